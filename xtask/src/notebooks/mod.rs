//! Notebooks: JupyterLab with our kernel, their cells as programs, their figures, and the checks of all of it.

mod cells;
pub(crate) mod figures;
pub(crate) mod jupyter;
mod kept;
pub(crate) mod lab_check;
pub(crate) mod notebook;
pub(crate) mod tour;
