//! Notebooks: JupyterLab with our kernel, their cells and those of pages as programs, their figures, and the checks of all of it.

pub(crate) mod cells;
pub(crate) mod figures;
pub(crate) mod jupyter;
mod kept;
pub(crate) mod lab_check;
pub(crate) mod markdown;
pub(crate) mod notebook;
pub(crate) mod tour;
