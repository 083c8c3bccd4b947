//! The pictures that the crate shows of itself, but for those of the notebooks.

use std::path::Path;

use anyhow::Result;
use psychrnn::plot::Figure;
use psychrnn::tasks::catalog;
use serde_json::json;

use crate::study::{Study, hello, study};
use crate::{figures, save, speed, tasks};

/// Draws all of them into a folder. Beside them come the numbers by which those of trained networks are known again, as `gallery.json`.
pub(crate) fn draw(folder: &Path) -> Result<()> {
    let keep = |name: &str, figure: &Figure| save(&folder.join(name).with_extension("svg"), figure.svg()?.as_bytes());
    for entry in catalog::all() {
        keep(&format!("tasks/{}", entry.name), &tasks::picture(entry)?)?;
    }
    keep("speed", &speed::figure()?)?;
    for (name, figure) in ["hello-loss", "hello-trial", "hello-psychometric"].into_iter().zip(hello()?) {
        keep(name, &figure)?;
    }
    let study = study()?;
    keep("readme", &sheet(&study)?)?;
    let numbers = json!({
        "accuracy": study.session.accuracy(),
        "final_loss": study.training.final_loss(),
        "threshold": study.fit.threshold.value,
        "width": study.fit.width.value,
    });
    for (name, figure) in figures::draw(study)? {
        keep(&format!("gallery/{name}"), &figure)?;
    }
    save(&folder.join("gallery.json"), format!("{numbers:#}\n").as_bytes())
}

/// The sheet of the README.
fn sheet(study: &Study) -> Result<Figure> {
    let Study { training, weights, fit, averages, trajectories, order, units, .. } = study;
    let figures = [
        training.plot_loss(),
        fit.plot()?,
        trajectories.plot(0, 1)?,
        weights.plot("W_rec")?,
        units.plot(),
        averages.plot_unit(order[0])?,
    ];
    Ok(Figure::join(figures).columns(3).letters(true).size(1080.0, 560.0))
}
