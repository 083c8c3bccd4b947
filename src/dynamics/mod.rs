//! How a state moves one step, and how gradients move back: the equations, on plain arrays, without libtorch.
//!
//! There is one definition of each equation. The simulator and training run it here; training on libtorch's graph writes it
//! once more in tensors, and the tests hold both to each other. [`LeakyUnits`] and [`LstmUnits`] have the equations in full, with their
//! constants and the names of their weights; [`Dynamics`] is a network of any of them.
//!
//! ```
//! use ndarray::array;
//! use psychrnn::dynamics::Dynamics;
//! use psychrnn::prelude::*;
//! let mut weights = Weights::new();
//! weights.insert("W_in", array![[1.0], [0.0]]);
//! weights.insert("W_rec", array![[0.5, 0.0], [1.0, 0.0]]); // [post, pre]: the first unit drives the second
//! weights.insert("W_out", array![[0.0, 1.0]]);
//! weights.insert("b_rec", array![0.0, 0.0]);
//! weights.insert("b_out", array![0.0]);
//! weights.insert("init_state", array![[0.0, 0.0]]);
//! let units = LeakyUnits::new(10.0, 100.0);
//! assert_eq!(Dynamics::new(&weights, units.clone())?.sizes(), (1, 2, 1));
//! let simulator = Simulator::new(&weights, units)?; // runs it, unit by unit if you want
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Forward
//!
//! With `u` the inputs, `x` the states, `r = f(x)` the rates, `z` the outputs, `α = dt / τ` and `n` unit Gaussian noise, a leaky
//! network makes these steps, and begins with `x[0] = init_state`:
//!
//! ```text
//! x[t] = (1 - α) x[t-1] + α (W_rec r[t-1] + W_in u[t] + b_rec) + √(2α) σ n[t]
//! z[t] = g(W_out r[t] + b_out)
//! ```
//!
//! where `g` is the [`Readout`], by default the identity. In the [rate form](LeakyForm::Rate) `r` is the state, and begins with `init_state`:
//!
//! ```text
//! s[t] = W_rec r[t-1] + W_in u[t] + b_rec + √(2/α) σ n[t],   r[t] = (1 - α) r[t-1] + α f(s[t])
//! ```
//!
//! # Backward
//!
//! The loss `L` depends on the outputs, and perhaps on the states. What it gives, `dL/dz[t]` and `∂L/∂x[t]`, goes back through
//! time as the adjoint `δ[t] = dL/dx[t]`, which has three sources: the loss itself, the rates, which drive the outputs and the next
//! step, and the leak:
//!
//! ```text
//! δ[t] = ∂L/∂x[t] + f'(x[t]) (W_outᵀ dL/dz[t] + W_recᵀ α δ[t+1]) + (1 - α) δ[t+1]
//! ```
//!
//! Where the readout is not linear, `dL/dz` stands for `g'ᵀ dL/dz`. Nothing comes from after the last step, and `δ[0]` is the gradient of
//! `init_state`. Those of the weights are sums over steps and trials:
//!
//! ```text
//! dL/dW_rec = Σ α δ[t] r[t-1]ᵀ    dL/dW_in = Σ α δ[t] u[t]ᵀ    dL/db_rec = Σ α δ[t]
//! dL/dW_out = Σ dL/dz[t] r[t]ᵀ    dL/db_out = Σ dL/dz[t]
//! ```
//!
//! In the rate form the adjoints of the states and those of the sums are two, `λ[t] = dL/dr[t]` and `δ[t] = dL/ds[t]`, and the sums over
//! steps and trials are those above with `δ` in place of `α δ`:
//!
//! ```text
//! λ[t] = ∂L/∂r[t] + W_outᵀ dL/dz[t] + W_recᵀ δ[t+1] + (1 - α) λ[t+1],   δ[t] = α f'(s[t]) λ[t]
//! ```
//!
//! # About a state
//!
//! [`Simulator::linearize`](crate::simulate::Simulator::linearize) gives the linear dynamics about a state, a [`Linearization`] with its
//! [`Modes`]: time constants in milliseconds, frequencies in Hz, and how inputs push each mode and outputs read it.
//!
//! # How it is computed
//!
//! The trials of a batch are parted into blocks of two vector registers' width. A thread carries a block through all steps, so
//! that threads never wait for each other within a sequence. Within a block the trials lie side by side in the lanes of the
//! registers, unit by unit: whatever the number of units, no lane is idle, a weight is one number for all lanes, and inputs and
//! the constant 1 for the biases are further columns of one product a step. The weights are packed once an update. On the way
//! back the adjoints of a chunk of steps are gathered, and one product over all of its steps and lanes gives the sums for all
//! weights. Neither the partition nor the order of any sum depends on the number of threads.
//!
//! Which registers there are is found out when the program runs: AVX-512 or AVX2 with FMA on x86, NEON on ARM. Machines with
//! different registers may differ in last bits.

mod block;
mod drive;
mod equation;
pub(crate) mod equations;
pub(crate) mod exact;
mod kernel;
pub(crate) mod linear;
pub(crate) mod linearize;
mod modes;
mod network;
mod omega;
pub(crate) mod parts;
mod readout;
mod run;
#[cfg(test)]
mod tests;
mod transfer;
pub(crate) mod wiring;

pub use block::Keep;
pub use equations::*;
pub(crate) use kernel::lanes::Pool;
pub(crate) use kernel::noise::{self, standard_normal_from};
pub use kernel::noise::{Covariance, UnitNoise, standard_normal};
pub(crate) use kernel::seen::Rows;
pub use linearize::Linearization;
pub use modes::{Eigenvalue, Kind, Mode, Modes};
pub use network::Dynamics;
pub use omega::Vanishing;
pub use readout::Readout;
pub use run::Run;
pub(crate) use run::Want;
pub use transfer::{CustomTransfer, Transfer};
