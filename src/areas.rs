//! Which units are connected: areas with excitatory and inhibitory units, and whether every unit reaches every other.
//!
//! `RnnConfig::areas` builds a network of [`Areas`]; their masks by themselves are what `RnnConfig::input_connectivity`,
//! `recurrent_connectivity` and `output_connectivity` take.
//!
//! ```
//! use psychrnn::prelude::*;
//! let areas = Areas::new()
//!     .area("sensory", (40, 10))
//!     .area("motor", (40, 10))
//!     .connect("sensory", "motor", 0.5)
//!     .connect("motor", "sensory", (0.2, 0.0)) // sparse feedback, of excitatory units alone
//!     .input(0..2, "sensory")
//!     .output(0..2, "motor");
//! let masks = areas.masks(2, 2)?;
//! assert_eq!(masks.recurrent.dim(), (100, 100));
//! assert_eq!(areas.units("motor")?.len(), 50);
//! # Ok::<(), psychrnn::Error>(())
//! ```

use std::collections::BTreeSet;

use ndarray::Array2;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, IntoNeighbors, Reversed, Visitable};
use serde::{Deserialize, Serialize};

use crate::random::Seed;
use crate::setters::setters;
use crate::{Error, Result, memory};

/// More units or channels than this are taken for a mistake.
const MOST: usize = 1_000_000;

/// The areas of a network, and which connections there are: within areas, between them, from input channels and to outputs.
///
/// All units of an area are connected to each other, and areas not at all, until [`Areas::within`] and [`Areas::connect`] say
/// with which probability a connection exists. It is drawn from the seed, for each pair of units by itself. A probability is one
/// number, or two for the projections of excitatory and of inhibitory units (PyCog's `p_exc` and `p_inh`): `(0.2, 0.0)` is a
/// projection of excitatory units alone. No unit connects to itself.
///
/// The excitatory units of all areas come first, in the order of the areas, and then the inhibitory ones, as everywhere in this
/// crate and in PsychRNN and PyCog: see [`Areas::units`].
///
/// ```
/// use psychrnn::areas::Areas;
/// let areas = Areas::new()
///     .area("sensory", 75)
///     .area("motor", 75)
///     .excitatory(0.8)
///     .connect("sensory", "motor", (1.0, 0.0))
///     .connect("motor", "sensory", (0.2, 0.0))
///     .input(0..6, "sensory")
///     .seed(1);
/// assert_eq!(areas.n_units(), 150);
/// assert_eq!(areas.excitatory_units("motor")?, 60..120);
/// let masks = areas.masks(6, 2)?;
/// assert_eq!(masks.recurrent.dim(), (150, 150));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// A network with one sparse area, as `generate_Crec` makes it in PyCog:
///
/// ```
/// # use psychrnn::areas::Areas;
/// let areas = Areas::new().area("prefrontal", 500).excitatory(0.8).within("prefrontal", (0.1, 0.5));
/// # assert_eq!(areas.masks(1, 1)?.recurrent.dim(), (500, 500));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Song HF, Yang GR, Wang X-J (2016), doi:10.1371/journal.pcbi.1004792.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Areas {
    areas: Vec<Area>,
    excitatory: Option<f64>,
    projections: Vec<Projection>,
    inputs: Vec<Channels>,
    outputs: Vec<Channels>,
    autapses: bool,
    strongly_connected: bool,
    seed: Option<Seed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Area {
    name: String,
    size: AreaSize,
}

/// How many units an area has: a number, or two for its excitatory and its inhibitory units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaSize {
    /// All units, of which [`Areas::excitatory`] tells the share of excitatory ones.
    Units(usize),
    /// The excitatory and the inhibitory units.
    Classes(usize, usize),
}

impl From<usize> for AreaSize {
    fn from(units: usize) -> Self {
        Self::Units(units)
    }
}

impl From<(usize, usize)> for AreaSize {
    fn from((excitatory, inhibitory): (usize, usize)) -> Self {
        Self::Classes(excitatory, inhibitory)
    }
}

/// With which probability a connection exists, by the class of the unit that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// From excitatory units; from all, if there are no classes.
    pub excitatory: f32,
    /// From inhibitory units.
    pub inhibitory: f32,
}

impl From<f32> for Density {
    fn from(both: f32) -> Self {
        Self { excitatory: both, inhibitory: both }
    }
}

impl From<(f32, f32)> for Density {
    fn from((excitatory, inhibitory): (f32, f32)) -> Self {
        Self { excitatory, inhibitory }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Projection {
    from: String,
    to: String,
    density: Density,
}

/// Channels that belong to an area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Channels {
    channels: Vec<usize>,
    area: String,
}

impl Channels {
    fn new(channels: impl IntoIterator<Item = usize>, area: &str) -> Self {
        // More channels than any network has: the mask will refuse the first that is not there.
        const MANY: usize = 1 << 24;
        Self { channels: channels.into_iter().take(MANY).collect(), area: area.to_owned() }
    }
}

/// The advice where there are too many units.
const FEWER: &str = "give the areas fewer units";

/// Which connections exist: 1, or 0 for those that do not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Masks {
    /// From input channels to units, `[n_rec, n_in]`.
    pub input: Array2<f32>,
    /// Between units, `[n_rec, n_rec]`, `[post, pre]`.
    pub recurrent: Array2<f32>,
    /// From units to output channels, `[n_out, n_rec]`.
    pub output: Array2<f32>,
}

impl Default for Areas {
    fn default() -> Self {
        Self {
            areas: Vec::new(),
            excitatory: None,
            projections: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            autapses: false,
            strongly_connected: true,
            seed: None,
        }
    }
}

impl Areas {
    /// No areas yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an area with this name and this many units, or with these numbers of excitatory and of inhibitory units:
    /// `area("motor", 75)`, `area("motor", (60, 15))`.
    #[must_use]
    pub fn area(mut self, name: &str, size: impl Into<AreaSize>) -> Self {
        self.areas.push(Area { name: name.to_owned(), size: size.into() });
        self
    }

    setters! {
        /// The share of excitatory units in each area whose two numbers are not given; the others are inhibitory, and the network
        /// obeys Dale's principle. The number of excitatory units is rounded down.
        excitatory: f64 => Some(excitatory);
        /// Whether a unit may connect to itself; by default it may not.
        autapses: bool;
        /// Whether every unit must be reached from every other one; by default it must, as in PyCog, and other graphs are refused.
        strongly_connected: bool;
        /// The seed from which connections are drawn. By default it follows that of the network, so that networks of other seeds have
        /// other connections; areas without a network then have seed 0.
        seed: impl Into<Seed> => Some(seed.into());
    }

    /// The probability of a connection between two units of an area; 1 by default.
    #[must_use]
    pub fn within(self, area: &str, density: impl Into<Density>) -> Self {
        self.connect(area, area, density)
    }

    /// The probability of a connection from a unit of one area to a unit of another; 0 by default.
    #[must_use]
    pub fn connect(mut self, from: &str, to: &str, density: impl Into<Density>) -> Self {
        self.projections.retain(|known| (known.from.as_str(), known.to.as_str()) != (from, to));
        self.projections.push(Projection { from: from.to_owned(), to: to.to_owned(), density: density.into() });
        self
    }

    /// Lets input channels reach an area: `input(0..2, "visual")`. Said again, they reach several. A channel of which nothing is
    /// said reaches all units.
    #[must_use]
    pub fn input(mut self, channels: impl IntoIterator<Item = usize>, area: &str) -> Self {
        self.inputs.push(Channels::new(channels, area));
        self
    }

    /// Lets output channels read from an area. Said again, they read from several. A channel of which nothing is said reads from
    /// all units. Whether inhibitory units reach the outputs is a matter of the network's constraints.
    #[must_use]
    pub fn output(mut self, channels: impl IntoIterator<Item = usize>, area: &str) -> Self {
        self.outputs.push(Channels::new(channels, area));
        self
    }

    /// The number of all units.
    #[must_use]
    pub fn n_units(&self) -> usize {
        let (excitatory, inhibitory) = self.units_before(self.areas.len());
        excitatory.saturating_add(inhibitory)
    }

    /// The number of excitatory units, which come first; `None` if there are no classes.
    #[must_use]
    pub fn n_excitatory(&self) -> Option<usize> {
        let given = |area: &Area| matches!(area.size, AreaSize::Classes(..));
        let has_classes = self.excitatory.is_some() || self.areas.iter().any(given);
        has_classes.then(|| self.units_before(self.areas.len()).0)
    }

    /// The excitatory units of an area; all its units, if there are no classes.
    ///
    /// # Errors
    /// If there is no such area.
    pub fn excitatory_units(&self, area: &str) -> Result<std::ops::Range<usize>> {
        let place = self.place("area", area)?;
        Ok(self.units_before(place).0..self.units_before(place + 1).0)
    }

    /// The inhibitory units of an area.
    ///
    /// # Errors
    /// If there is no such area.
    pub fn inhibitory_units(&self, area: &str) -> Result<std::ops::Range<usize>> {
        let place = self.place("area", area)?;
        let excitatory = self.units_before(self.areas.len()).0;
        let inhibitory = |places| excitatory.saturating_add(self.units_before(places).1);
        Ok(inhibitory(place)..inhibitory(place + 1))
    }

    /// The units of an area, the excitatory ones first.
    ///
    /// # Errors
    /// If there is no such area, or if there are more units than any network has.
    pub fn units(&self, area: &str) -> Result<Vec<usize>> {
        self.check_size()?;
        Ok(self.excitatory_units(area)?.chain(self.inhibitory_units(area)?).collect())
    }

    /// The masks for a network with these numbers of input and output channels.
    ///
    /// # Errors
    /// If an area, a class, a channel or a probability makes no sense, if not every unit is reached from every other one and
    /// [`Areas::strongly_connected`] does not allow this, or if there is not enough memory for so many units.
    pub fn masks(&self, n_in: usize, n_out: usize) -> Result<Masks> {
        self.check()?;
        for (name, channels) in [("n_in", n_in), ("n_out", n_out)] {
            if channels > MOST {
                return Err(Error::argument(name, format!("at most {MOST} channels"), channels));
            }
        }
        let n_rec = self.n_units();
        // The mask, and the list of its connections.
        let needed = memory::floats(&[if self.strongly_connected { 9 } else { 1 }, n_rec, n_rec]);
        memory::check(format!("which of {n_rec} units are connected to which"), needed, FEWER)?;
        let mut recurrent = Array2::zeros((n_rec, n_rec));
        for from in &self.areas {
            for to in &self.areas {
                self.draw(&from.name, &to.name, &mut recurrent)?;
            }
        }
        if !self.autapses {
            recurrent.diag_mut().fill(0.0);
        }
        if self.strongly_connected {
            self.check_strongly_connected(&recurrent)?;
        }
        let input = self.channel_mask("input", &self.inputs, n_in)?.reversed_axes().as_standard_layout().into_owned();
        Ok(Masks { input, recurrent, output: self.channel_mask("output", &self.outputs, n_out)? })
    }

    /// Takes the seed of a network, unless there is one.
    #[cfg(feature = "torch")]
    pub(crate) fn follow(&mut self, network: Seed) {
        self.seed.get_or_insert(network.child("areas"));
    }

    /// The share of excitatory units as Dale's principle is given it, such that rounding down gives their number.
    #[cfg(feature = "torch")]
    pub(crate) fn dale_ratio(&self) -> Option<f64> {
        let (excitatory, all) = (self.n_excitatory()?, self.n_units() as f64);
        let ratio = excitatory as f64 / all;
        Some(if ((ratio * all) as usize) < excitatory { ratio.next_up() } else { ratio })
    }

    /// The excitatory and the inhibitory units of so many of the first areas.
    fn units_before(&self, areas: usize) -> (usize, usize) {
        self.areas[..areas].iter().map(|area| self.classes(area)).fold((0, 0), |(excitatory, inhibitory), area| {
            (excitatory.saturating_add(area.0), inhibitory.saturating_add(area.1))
        })
    }

    /// An error if there are more units than any network has.
    fn check_size(&self) -> Result<()> {
        match self.n_units() {
            n if n > MOST => Err(Error::argument("area", format!("of at most {MOST} units, all areas together"), n)),
            _ => Ok(()),
        }
    }

    /// The excitatory and the inhibitory units of an area.
    fn classes(&self, area: &Area) -> (usize, usize) {
        match (area.size, self.excitatory) {
            (AreaSize::Classes(excitatory, inhibitory), _) => (excitatory, inhibitory),
            (AreaSize::Units(units), None) => (units, 0),
            (AreaSize::Units(units), Some(share)) => {
                let excitatory = ((share * units as f64) as usize).min(units);
                (excitatory, units - excitatory)
            }
        }
    }

    fn place(&self, argument: &str, name: &str) -> Result<usize> {
        self.areas.iter().position(|area| area.name == name).ok_or_else(|| {
            let names: Vec<_> = self.areas.iter().map(|area| format!("\"{}\"", area.name)).collect();
            Error::argument(argument, format!("one of the areas {}", names.join(", ")), format!("\"{name}\""))
        })
    }

    fn check(&self) -> Result<()> {
        if self.areas.is_empty() {
            return Err(Error::argument("area", "given at least once", "missing"));
        }
        if let Some(share) = self.excitatory.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(Error::argument("excitatory", "above 0 and at most 1", share));
        }
        self.check_size()?;
        let mut names = BTreeSet::new();
        for area in &self.areas {
            let name = format!("area \"{}\"", area.name);
            if !names.insert(&area.name) {
                return Err(Error::argument(name, "given once", "given again"));
            }
            if self.classes(area) == (0, 0) {
                return Err(Error::argument(name, "at least one unit", 0));
            }
            if self.n_excitatory().is_some() && self.excitatory.is_none() && matches!(area.size, AreaSize::Units(_)) {
                let expected = "two numbers, of excitatory and inhibitory units, since another area has them (or `excitatory` tells their share)";
                return Err(Error::argument(name, expected, self.classes(area).0));
            }
        }
        for Projection { from, to, density } in &self.projections {
            let name = format!("probability of a connection from \"{from}\" to \"{to}\"");
            self.place("connect", from)?;
            self.place("connect", to)?;
            for p in [density.excitatory, density.inhibitory] {
                if !(0.0..=1.0).contains(&p) {
                    return Err(Error::argument(name, "between 0 and 1", p));
                }
            }
            if self.n_excitatory().is_none() && density.excitatory != density.inhibitory {
                let expected =
                    "one number, since there are no classes (`excitatory` tells the share of excitatory units)";
                return Err(Error::argument(
                    name,
                    expected,
                    format!("({}, {})", density.excitatory, density.inhibitory),
                ));
            }
        }
        Ok(())
    }

    /// Draws the connections from one area to another.
    fn draw(&self, from: &str, to: &str, recurrent: &mut Array2<f32>) -> Result<()> {
        let said = self.projections.iter().find(|projection| projection.from == from && projection.to == to);
        let density = match said {
            Some(projection) => projection.density,
            None => Density::from(if from == to { 1.0 } else { 0.0 }),
        };
        // A stream of its own, so that what is drawn between two areas does not depend on the others.
        let mut rng = self.seed.unwrap_or(Seed(0)).child("connections").child(from).child(to).stream(0);
        let (excitatory, inhibitory) = (self.excitatory_units(from)?, self.inhibitory_units(from)?);
        for post in self.units(to)? {
            for (units, p) in [(&excitatory, density.excitatory), (&inhibitory, density.inhibitory)] {
                for pre in units.clone() {
                    recurrent[[post, pre]] = f32::from(u8::from(rng.chance(p)));
                }
            }
        }
        Ok(())
    }

    /// Which units belong to which channels, `[n_channels, n_rec]`.
    fn channel_mask(&self, side: &str, said: &[Channels], n_channels: usize) -> Result<Array2<f32>> {
        let mut mask = Array2::ones((n_channels, self.n_units()));
        for channels in said {
            for &channel in &channels.channels {
                if channel >= n_channels {
                    let expected = format!("channels of which there are {n_channels}, counted from 0");
                    return Err(Error::argument(side, expected, channel));
                }
                mask.row_mut(channel).fill(0.0);
            }
        }
        for Channels { channels, area } in said {
            self.place(side, area)?;
            let units = self.units(area)?;
            channels.iter().for_each(|&channel| units.iter().for_each(|&unit| mask[[channel, unit]] = 1.0));
        }
        Ok(mask)
    }

    fn check_strongly_connected(&self, recurrent: &Array2<f32>) -> Result<()> {
        let Some(lost) = Lost::in_graph(recurrent) else { return Ok(()) };
        let by_area = |units: &[usize]| -> Result<String> {
            let mut words = Vec::new();
            for area in &self.areas {
                let members: BTreeSet<usize> = self.units(&area.name)?.into_iter().collect();
                let of_area: Vec<usize> = units.iter().copied().filter(|unit| members.contains(unit)).collect();
                if !of_area.is_empty() {
                    words.push(format!("{} of \"{}\"", list(&of_area), area.name));
                }
            }
            Ok(words.join(", "))
        };
        Err(lost.error(
            "make connections more probable, connect the areas in both directions, or take another seed; `strongly_connected(false)` lets any graph pass",
            by_area,
        )?)
    }
}

/// An error if not every unit is reached from every other one along the recurrent connections `[n_rec, n_rec]` (`[post, pre]`, 0
/// where there is none). Then some units never hear of what others know, which is rarely meant, and easily missed in a sparse mask.
///
/// ```
/// use ndarray::arr2;
/// use psychrnn::areas::check_strongly_connected;
/// assert!(check_strongly_connected(&arr2(&[[0.0, 1.0], [1.0, 0.0]])).is_ok());
/// assert!(check_strongly_connected(&arr2(&[[0.0, 0.0], [1.0, 0.0]])).is_err());
/// ```
///
/// # Errors
/// Names the units that are not reached and those that do not reach the others; also if there is not enough memory for the list of
/// connections.
pub fn check_strongly_connected(recurrent: &Array2<f32>) -> Result<()> {
    if !recurrent.is_square() {
        return Err(Error::shape("recurrent_connectivity", "[n_rec, n_rec]", recurrent.shape()));
    }
    memory::check("the list of connections", memory::floats(&[8, recurrent.len()]), "take fewer units")?;
    match Lost::in_graph(recurrent) {
        None => Ok(()),
        Some(lost) => Err(lost.error("add connections or draw another mask", |units| Ok(list(units)))?),
    }
}

/// The units outside the largest part of a graph in which every unit reaches every other one.
struct Lost {
    not_reached: Vec<usize>,
    not_reaching: Vec<usize>,
}

impl Lost {
    /// `None` if the graph is strongly connected.
    fn in_graph(recurrent: &Array2<f32>) -> Option<Self> {
        let mut graph = DiGraph::<(), ()>::new();
        let units: Vec<NodeIndex> = (0..recurrent.nrows()).map(|_| graph.add_node(())).collect();
        for ((post, pre), _) in recurrent.indexed_iter().filter(|(_, exists)| **exists != 0.0) {
            graph.add_edge(units[pre], units[post], ());
        }
        let parts = tarjan_scc(&graph);
        let start = *parts.iter().max_by_key(|part| part.len()).filter(|_| parts.len() > 1)?.first()?;
        Some(Self { not_reached: others(&graph, start), not_reaching: others(Reversed(&graph), start) })
    }

    fn error(&self, advice: &str, words: impl Fn(&[usize]) -> Result<String>) -> Result<Error> {
        let mut got = Vec::new();
        if !self.not_reached.is_empty() {
            got.push(format!("{} that the others do not reach", words(&self.not_reached)?));
        }
        if !self.not_reaching.is_empty() {
            got.push(format!("{} that do not reach the others", words(&self.not_reaching)?));
        }
        let expected = format!("strongly connected, every unit reached from every other ({advice})");
        Ok(Error::argument("recurrent_connectivity", expected, format!("a graph with {}", got.join(" and "))))
    }
}

/// The nodes to which no path leads from `start`.
fn others<G>(graph: G, start: NodeIndex) -> Vec<usize>
where
    G: IntoNeighbors<NodeId = NodeIndex> + Visitable<NodeId = NodeIndex> + petgraph::visit::NodeCount,
{
    let mut reached = vec![false; graph.node_count()];
    let mut walk = Dfs::new(graph, start);
    while let Some(node) = walk.next(graph) {
        reached[node.index()] = true;
    }
    (0..reached.len()).filter(|&unit| !reached[unit]).collect()
}

/// The first few units in words.
fn list(units: &[usize]) -> String {
    const FEW: usize = 5;
    let noun = if units.len() == 1 { "unit" } else { "units" };
    let first: Vec<String> = units.iter().take(FEW).map(usize::to_string).collect();
    let more = if units.len() > FEW { format!(" and {} more", units.len() - FEW) } else { String::new() };
    format!("{noun} {}{more}", first.join(", "))
}
