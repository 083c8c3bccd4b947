//! Studies: many runs of one design, in one folder.

mod claim;
mod design;
mod figures;
mod folder;
mod grow;
mod measures;
mod names;
mod progress;
mod scheduler;
mod slurm;
mod status;
mod table;
mod this_machine;
mod vary;
mod work;

pub use design::Design;
pub use folder::Study;
pub use scheduler::{Job, Scheduler};
pub use slurm::Slurm;
pub use status::{State, Status};
pub use this_machine::ThisMachine;

/// The keys of a study file, as people read them.
pub const STUDY_KEYS: &str = include_str!("keys.txt");
