//! What was measured, as JSON and as tables.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::count::{Model, N_BATCH, N_STEPS, Net};
use crate::run;

/// Who may have measured, in the order of the columns. All others are compared with the first.
const WHO: [(&str, &str); 5] =
    [("kernel", "ours"), ("tch", "ours by libtorch"), ("jax", "JAX"), ("torch", "PyTorch"), ("psychrnn", "PsychRNN")];

/// How long work takes someone.
pub(super) struct Row {
    pub(super) work: String,
    pub(super) who: String,
    pub(super) n_rec: usize,
    pub(super) median_ms: f64,
}

/// What the machine did at best while a network was measured, and the kernel beside it.
pub(super) struct Size {
    pub(super) net: Net,
    /// The rate of large matrix products, in GFLOP/s.
    pub(super) gemm_gflops: f64,
    /// The rate of an update by the kernel at the same time, in GFLOP/s.
    pub(super) kernel_gflops: f64,
    /// The rate of large copies, in GB/s read and written.
    pub(super) copy_gbs: f64,
}

/// The most memory that training took.
pub(super) struct Memory {
    pub(super) net: Net,
    pub(super) who: String,
    pub(super) peak_mib: Option<f64>,
}

/// What was measured on, and with.
#[derive(Default)]
pub(super) struct Machine {
    cpu: String,
    system: String,
    threads: usize,
    versions: Vec<(String, String)>,
}

impl Machine {
    pub(super) fn new(threads: usize) -> Self {
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let mut machine = Self { cpu: cpu(), system, threads, versions: Vec::new() };
        let rustc = run::output(Command::new("rustc").arg("--version")).unwrap_or_default();
        machine.version("compiler", rustc.trim());
        machine
    }

    /// Adds what someone computes with.
    pub(super) fn version(&mut self, who: &str, version: &str) {
        if self.versions.iter().all(|(known, _)| known != who) {
            self.versions.push((who.to_owned(), version.to_owned()));
        }
    }
}

/// The name of the processor.
fn cpu() -> String {
    let linux = || {
        let text = fs::read_to_string("/proc/cpuinfo").ok()?;
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let macos = || run::output(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"])).ok();
    linux().or_else(macos).map_or("unknown".to_owned(), |name| name.trim().to_owned())
}

/// All that was measured.
#[derive(Default)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) rows: Vec<Row>,
    pub(super) sizes: Vec<Size>,
    pub(super) memory: Vec<Memory>,
    /// Who was left out, and why.
    pub(super) left_out: Vec<(String, String)>,
}

impl Report {
    fn median_ms(&self, work: &str, who: &str, n_rec: usize) -> Option<f64> {
        let row = self.rows.iter().find(|row| (row.work.as_str(), row.who.as_str(), row.n_rec) == (work, who, n_rec));
        row.map(|row| row.median_ms)
    }

    pub(super) fn json(&self) -> Value {
        let row =
            |row: &Row| json!({ "work": row.work, "who": row.who, "n_rec": row.n_rec, "median_ms": row.median_ms });
        let size = |size: &Size| {
            json!({
                "model": size.net.model.name(),
                "n_rec": size.net.n_rec,
                "operations": size.net.operations(),
                "operations_formula": size.net.model.operations_formula(),
                "bytes": size.net.bytes(),
                "bytes_formula": size.net.model.bytes_formula(),
                "gemm_gflops": size.gemm_gflops,
                "copy_gbs": size.copy_gbs,
                "kernel_gflops": size.kernel_gflops,
                "roofline_ms": size.roofline_ms(),
            })
        };
        let memory = |memory: &Memory| {
            json!({
                "model": memory.net.model.name(),
                "n_rec": memory.net.n_rec,
                "who": memory.who,
                "peak_mib": memory.peak_mib,
            })
        };
        let versions = self.machine.versions.iter().map(|(who, version)| (who.clone(), version.as_str().into()));
        let left_out = self.left_out.iter().map(|(who, why)| json!({ "who": who, "why": why }));
        json!({
            "machine": {
                "cpu": self.machine.cpu,
                "system": self.machine.system,
                "threads": self.machine.threads,
                "versions": versions.collect::<serde_json::Map<String, Value>>(),
            },
            "n_batch": N_BATCH,
            "n_steps": N_STEPS,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "sizes": self.sizes.iter().map(size).collect::<Vec<_>>(),
            "memory": self.memory.iter().map(memory).collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
        })
    }

    pub(super) fn markdown(&self) -> String {
        let machine = &self.machine;
        let mut text = format!("{}, {}, {} threads.", machine.cpu, machine.system, machine.threads);
        for (who, version) in &machine.versions {
            text += &format!(" {who}: {version}.");
        }
        text += "\n";
        for (who, why) in &self.left_out {
            text += &format!("\n{who} is left out: {why}\n");
        }
        text += &format!(
            "\nMedian milliseconds, and how many times ours; {N_BATCH} trials of {N_STEPS} steps:\n\n{}",
            self.times()
        );
        text += "\nOurs by libtorch is `Backend::Libtorch`, which holds libtorch to one thread. PyTorch's LSTM is `torch.nn.LSTM`. \
                 PsychRNN's LSTM is not timed: it gives the sigmoid of its cell to the output gate, not the tanh, and so is \
                 another network.\n";
        text += &format!(
            "\nThe kernel's update and the machine, whose products are timed right before and after each turn of the kernel; from \
             the turn with the median share:\n\n{}",
            self.rooflines()
        );
        for model in [Model::Rnn, Model::Lstm] {
            if self.sizes.iter().any(|size| size.net.model == model) {
                let (operations, bytes) = (model.operations_formula(), model.bytes_formula());
                text += &format!("\n{}: operations = {operations}; bytes = {bytes}.\n", model.title());
            }
        }
        text += &format!("\nPeak memory of training, in MiB:\n\n{}", self.memories());
        text
    }

    /// One row a work and size, one column for each of those who measured.
    fn times(&self) -> String {
        let columns: Vec<_> = WHO.iter().filter(|(who, _)| self.rows.iter().any(|row| row.who == *who)).collect();
        let mut works: Vec<(&str, usize)> = Vec::new();
        for row in &self.rows {
            if !works.contains(&(row.work.as_str(), row.n_rec)) {
                works.push((&row.work, row.n_rec));
            }
        }
        works.sort_by_key(|(work, _)| self.rows.iter().position(|row| row.work == *work));
        let header = ["work", "units"].into_iter().chain(columns.iter().map(|(_, title)| *title));
        let lines = works.iter().map(|&(work, n_rec)| {
            let ours = self.median_ms(work, WHO[0].0, n_rec);
            let cells = columns.iter().map(|(who, _)| match (self.median_ms(work, who, n_rec), ours) {
                (None, _) => String::new(),
                (Some(ms), Some(ours)) if *who != WHO[0].0 => format!("{} ({:.2}×)", figures(ms), ms / ours),
                (Some(ms), _) => figures(ms),
            });
            // `rnn_update:tanh,linear`: of other functions than ReLU and a linear readout.
            let work = work.replace('_', " ").replace(':', ", ").replace(",linear", "").replace("relu,", "readout ");
            [work, n_rec.to_string()].into_iter().chain(cells).collect()
        });
        table(&header.collect::<Vec<_>>(), lines)
    }

    fn rooflines(&self) -> String {
        let header = [
            "network",
            "units",
            "operations (GFLOP)",
            "bytes (MB)",
            "least time (ms)",
            "time (ms)",
            "GFLOP/s",
            "products (GFLOP/s)",
            "copies (GB/s)",
            "of the products' rate",
        ];
        let lines = self.sizes.iter().map(|size| {
            vec![
                size.net.model.title().to_owned(),
                size.net.n_rec.to_string(),
                figures(size.net.operations() / 1e9),
                figures(size.net.bytes() / 1e6),
                figures(size.roofline_ms()),
                figures(size.net.operations() / (size.kernel_gflops * 1e6)),
                figures(size.kernel_gflops),
                figures(size.gemm_gflops),
                figures(size.copy_gbs),
                format!("{:.0} %", 100.0 * size.kernel_gflops / size.gemm_gflops),
            ]
        });
        table(&header, lines)
    }

    fn memories(&self) -> String {
        let columns: Vec<_> = WHO.iter().filter(|(who, _)| self.memory.iter().any(|row| row.who == *who)).collect();
        let header = ["network", "units"].into_iter().chain(columns.iter().map(|(_, title)| *title));
        let lines = self.sizes.iter().map(|size| {
            let cells = columns.iter().map(|(who, _)| {
                let row = self.memory.iter().find(|row| row.net == size.net && row.who == *who);
                row.and_then(|row| row.peak_mib).map_or(String::new(), |mib| format!("{mib:.0}"))
            });
            [size.net.model.title().to_owned(), size.net.n_rec.to_string()].into_iter().chain(cells).collect()
        });
        table(&header.collect::<Vec<_>>(), lines)
    }
}

impl Size {
    /// The least time that an update can take, in milliseconds: all operations at the rate of large products, or all bytes
    /// at the rate of large copies, whichever is longer. Williams S, Waterman A, Patterson D (2009),
    /// doi:10.1145/1498765.1498785.
    fn roofline_ms(&self) -> f64 {
        let operations = self.net.operations() / (self.gemm_gflops * 1e6);
        let bytes = self.net.bytes() / (self.copy_gbs * 1e6);
        operations.max(bytes)
    }
}

/// A table in Markdown whose columns also line up as plain text.
fn table(header: &[&str], lines: impl Iterator<Item = Vec<String>>) -> String {
    let mut rows = vec![header.iter().map(|&title| title.to_owned()).collect()];
    rows.extend(lines);
    let width =
        |column: usize| rows.iter().filter_map(|row: &Vec<String>| row.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..header.len()).map(|column| width(column).unwrap_or(0).max(3)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<_> = widths.iter().map(|&width| format!("{}:", "-".repeat(width - 1))).collect();
    rows.insert(1, rule);
    rows.iter().map(line).collect()
}

/// A positive number with three figures.
fn figures(number: f64) -> String {
    let decimals = (2 - number.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{number:.decimals$}")
}

/// The median; of an even number of values the mean of the middle two, of none NaN.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => (sorted[middle - 1] + upper) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let net = Net::new(Model::Rnn, 100);
        let row = |work: &str, who: &str, median_ms| Row { work: work.into(), who: who.into(), n_rec: 100, median_ms };
        let mut machine = Machine::default();
        machine.version("jax", "jax 0");
        machine.version("jax", "jax 1");
        Report {
            machine,
            rows: vec![
                row("rnn_update", "kernel", 20.0),
                row("rnn_update", "jax", 30.0),
                row("rnn_forward:rectified_tanh,linear", "kernel", 4.0),
                row("rnn_forward:relu,softmax", "kernel", 4.0),
                row("rnn_forward", "psychrnn", 0.512_34),
            ],
            sizes: vec![Size { net, gemm_gflops: 159.744, kernel_gflops: 79.872, copy_gbs: 10.0 }],
            memory: vec![
                Memory { net, who: "kernel".into(), peak_mib: Some(200.4) },
                Memory { net, who: "jax".into(), peak_mib: None },
            ],
            left_out: vec![("torch".into(), "no network".into())],
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn numbers_have_three_figures() {
        let shown = [0.012_345, 0.5, 1.0, 12.34, 99.96, 1234.5].map(figures);
        assert_eq!(shown, ["0.0123", "0.500", "1.00", "12.3", "100.0", "1234"]);
    }

    #[test]
    fn the_json_has_what_others_read() {
        let json = report().json();
        let rows = json["rows"].as_array().unwrap();
        assert_eq!(rows[1], json!({ "work": "rnn_update", "who": "jax", "n_rec": 100, "median_ms": 30.0 }));
        let size = &json["sizes"][0];
        assert_eq!((size["model"].as_str(), size["n_rec"].as_u64()), (Some("rnn"), Some(100)));
        assert_eq!(size["kernel_gflops"], 79.872);
        assert_eq!(size["gemm_gflops"], 159.744);
        assert_eq!(size["roofline_ms"], 10.0);
        assert_eq!(json["memory"][1]["peak_mib"], Value::Null);
        assert_eq!(json["machine"]["versions"]["jax"], "jax 0");
        assert_eq!(json["left_out"][0]["who"], "torch");
    }

    #[test]
    fn bytes_limit_where_memory_is_slow() {
        let size = Size { net: Net::new(Model::Rnn, 96), gemm_gflops: 1e6, kernel_gflops: 1.0, copy_gbs: 2.048 };
        // 8 · 128 · 200 · 100 bytes.
        assert_eq!(size.roofline_ms(), 10.0);
    }

    #[test]
    fn the_tables_show_ratios_fractions_and_gaps() {
        let text = report().markdown();
        let cells = |start: &str| -> Vec<Vec<String>> {
            let lines = text.lines().filter(|line| line.starts_with('|') && line.contains(start));
            lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
        };
        assert_eq!(cells("work")[0], ["work", "units", "ours", "JAX", "PsychRNN"]);
        assert_eq!(cells("update")[0], ["rnn update", "100", "20.0", "30.0 (1.50×)", ""]);
        assert_eq!(cells("rnn forward, rectified tanh ")[0][1..3], ["100", "4.00"]);
        assert_eq!(cells("rnn forward, readout softmax ")[0][1..3], ["100", "4.00"]);
        assert_eq!(cells("rnn forward ")[0], ["rnn forward", "100", "", "", "0.512"]);
        let of_the_machine = &cells("RNN")[1];
        assert_eq!(of_the_machine[..2], ["RNN", "100"]);
        assert_eq!(of_the_machine[4..7], ["10.0", "20.0", "79.9"]);
        assert_eq!(of_the_machine.last().unwrap(), "50 %");
        assert_eq!(*cells("RNN").last().unwrap(), ["RNN", "100", "200", ""]);
        assert!(text.contains("operations = 6 n_batch n_steps n_rec (n_rec + n_in + n_out)"));
        assert!(text.contains("torch is left out: no network"));
        // Columns line up.
        let widths: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("| ") && line.contains("update") | line.contains("forward"))
            .map(|line| line.chars().count())
            .collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
