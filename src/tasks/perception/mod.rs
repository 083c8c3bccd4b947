//! Tasks of the library's own form about what is perceived: categories, evidence in several modalities, and whether there is anything.

mod categorization;

use crate::tasks::catalog::{Paper, library};

library! {
    categorization: Categorization, Category;
}

const NEUROGYM: Paper = Paper { citation: "Molano-Mazón M et al. (2022)", doi: "10.31234/osf.io/aqc9n" };
