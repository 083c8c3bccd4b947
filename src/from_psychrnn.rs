//! For users of PsychRNN: their line, and ours, for each section of its Getting Started.
//!
//! What to know first:
//!
//! - There is no session, no graph and no name scope: a network is a value, and it is gone when it goes out of scope.
//! - `network_params` and `train_params`, which are dictionaries, are [`RnnConfig`](crate::network::RnnConfig) and
//!   [`Trainer`](crate::train::Trainer): values with setters, whose misspelled names do not compile.
//! - Randomness comes from seeds that you pass, so that a run can be repeated to the last bit.
//! - The size of a batch belongs to training, not to the task or the network: any number of trials can be run.
//! - A second call of `train` goes on where the first ended, where PsychRNN starts over.
//! - The last expression of a notebook cell shows itself, and `?` hands an error to the notebook.
//!
//! # Hello world (3.1)
//!
//! ```python
//! pd = PerceptualDiscrimination(dt = 10, tau = 100, T = 2000, N_batch = 128)
//! network_params = pd.get_task_params()
//! network_params['name'] = 'model'
//! network_params['N_rec'] = 50
//! model = Basic(network_params)
//! model.train(pd)
//! x, target_output, mask, trial_params = pd.get_trial_batch()
//! model_output, model_state = model.test(x)
//! plt.plot(model_output[0][0, :, :])
//! model.destruct()
//! ```
//!
//! ```no_run
//! use psychrnn::prelude::*;
//! let task = PerceptualDiscrimination::default().dt(10.0).tau(100.0).duration(2000.0);
//! let mut network = Rnn::new(&task, RnnConfig::default().units(50))?;
//! Trainer::default().train(&mut network, &task)?;
//! let batch = task.batch(128, Seed(1))?;             // batch.inputs, batch.targets, batch.mask, batch.values
//! let session = network.run(&batch)?;                // session.outputs, session.states
//! session.plot_trial(0)?
//! # ; Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Simple example (3.2)
//!
//! ## Network parameters
//!
//! ```python
//! network_params['rec_noise'] = 0.1
//! network_params['W_in_train'] = False
//! network_params['transfer_function'] = tf.nn.tanh
//! network_params['which_rand_init'] = 'glorot_unif'
//! basicModel = Basic(network_params)
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # let task = PerceptualDiscrimination::default();
//! let config = RnnConfig::default()
//!     .noise(0.1)
//!     .freeze("W_in")
//!     .transfer(Transfer::Tanh)
//!     .initial(InitialWeights::all(Draw::GlorotUniform));
//! let network = Rnn::new(&task, config)?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! `const_unif` is `Draw::Uniform { low: -0.1, high: 0.1 }`, `const_gauss` is `Draw::Gaussian { sd: 1.0 }`,
//! `GaussianSpectralRadius` is `Draw::Gaussian { sd: 1.0 }` with `.balance(Balance::Columns)` and `.radius(1.1, RadiusOf::Raw)` (the
//! default for `W_rec`), `AlphaIdentity` is `Draw::ScaledIdentity` with `.balance(Balance::Columns)`.
//!
//! ## Loss and regularization
//!
//! ```python
//! network_params['loss_function'] = "binary_cross_entropy"
//! network_params['L2_rec'] = 0.1
//! network_params['L1_out'] = 0.1
//! network_params['L2_firing_rate'] = 0.1
//! ```
//!
//! ```
//! # use psychrnn::prelude::*;
//! let trainer = Trainer::default()
//!     .loss(BinaryCrossEntropy::default())
//!     .regularizer(L2Weights::new("W_rec", 0.1))
//!     .regularizer(L1Weights::new("W_out", 0.1))
//!     .regularizer(L2Rates::new(0.1));
//! ```
//!
//! ## Training parameters
//!
//! ```python
//! train_params['training_iters'] = 100000
//! train_params['learning_rate'] = .001
//! train_params['loss_epoch'] = 10
//! train_params['verbosity'] = False
//! train_params['training_weights_path'] = 'weights/saved'
//! train_params['save_training_weights_epoch'] = 100
//! train_params['optimizer'] = tf.compat.v1.train.GradientDescentOptimizer(.001)
//! train_params['clip_grads'] = True
//! losses, training_time, initialization_time = basicModel.train(pd, train_params)
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # let task = PerceptualDiscrimination::default();
//! # let mut network = Rnn::new(&task, RnnConfig::default())?;
//! let trainer = Trainer::default()
//!     .trials(100_000)                          // training_iters counts trials, too
//!     .batch_size(50)
//!     .learning_rate(0.001)
//!     .record_every(10)
//!     .silent()
//!     .save_every(100, "weights")
//!     .optimizer(Sgd::default())
//!     .clip(Clip::PerParameter(1.0));           // the default, as clip_grads is
//! let training = trainer.train(&mut network, &task)?;
//! training.plot_loss()
//! # ; Ok::<(), psychrnn::Error>(())
//! ```
//!
//! ## Weights
//!
//! ```python
//! weights = basicModel.get_weights()
//! basicModel.save("weights/saved_weights")
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # let network = Rnn::new(&PerceptualDiscrimination::default(), RnnConfig::default())?;
//! let weights = network.weights()?;             // effective, as PsychRNN's are
//! network.save("saved_weights.npz")?;           // opens in NumPy, and in PsychRNN by load_weights_path
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Biological constraints (3.3)
//!
//! ```python
//! dale_network_params['dale_ratio'] = .8
//! autapses_network_params['autapses'] = False
//! connectivity_network_params['rec_connectivity'] = rec_connectivity
//! train_params['fixed_weights'] = {'W_rec': W_rec_fixed}
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # use psychrnn::ndarray::{Array2, s};
//! # let task = PerceptualDiscrimination::default();
//! let n = 50;
//! let mut connectivity = Array2::ones((n, n));
//! connectivity.slice_mut(s![..10, 40..]).fill(0.0);
//! let mut entries = Array2::zeros((n, n));
//! entries.slice_mut(s![40.., ..40]).fill(1.0);
//! let config = RnnConfig::default()
//!     .units(n)
//!     .dale_ratio(0.8)
//!     .autapses(false)
//!     .recurrent_connectivity(connectivity)
//!     .freeze_entries("W_rec", entries);
//! let network = Rnn::new(&task, config)?;
//! network.weights()?.plot("W_rec")?
//! # ; Ok::<(), psychrnn::Error>(())
//! ```
//!
//! `fixed_weights` is [`freeze_entries`](crate::network::RnnConfig::freeze_entries): 1 for the weights that training leaves as they are,
//! whatever their values. [`hold_at`](crate::network::RnnConfig::hold_at) is another thing, PyCog's `Cfixed`: it takes the values
//! themselves.
//!
//! # Curriculum learning (3.4)
//!
//! ```python
//! pds = [PerceptualDiscrimination(dt = 10, tau = 100, T = 2000, N_batch = 50, coherence = .7 - i/5) for i in range(4)]
//! curriculum = Curriculum(pds, metric_epoch = 1, thresholds = [.9] * 4)
//! train_params['curriculum'] = curriculum
//! losses, initialTime, trainTime = curriculumModel.train_curric(train_params)
//! train_params['performance_measure'] = performance_measure
//! train_params['performance_cutoff'] = .9
//! basicModel.train(pds[-1], train_params)
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! let at = |coherence: f32| PerceptualDiscrimination::default().coherences(&[coherence]);
//! let mut curriculum = Curriculum::new().every(1).trials(50);
//! for coherence in [0.7, 0.5, 0.3, 0.1] {
//!     curriculum = curriculum.stage(at(coherence), 0.9);
//! }
//! let mut network = Rnn::new(&at(0.1), RnnConfig::default())?;
//! let training = Trainer::default().batch_size(50).train_curriculum(&mut network, &curriculum)?;
//! for check in &training.checks {
//!     println!("stage {} accuracy {}", check.stage, check.value);
//! }
//! let mut other = Rnn::new(&at(0.1), RnnConfig::default())?;
//! Trainer::default().batch_size(50).until(0.9).check_every(1).train(&mut other, &at(0.1))?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Accessing and modifying weights (3.5), loading a model (3.6)
//!
//! ```python
//! weights = dict(np.load('./weights/saved_weights.npz', allow_pickle = True))
//! weights['W_rec'][:10, :10] = 0
//! np.savez('./weights/modified_saved_weights.npz', **weights)
//! file_network_params['load_weights_path'] = './weights/modified_saved_weights.npz'
//! fileModel = Basic(file_network_params)
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # use psychrnn::ndarray::s;
//! # let task = PerceptualDiscrimination::default();
//! let mut weights = Weights::load("saved_weights.npz")?;      // PsychRNN's file or ours; nothing is unpickled
//! let mut w_rec = weights.matrix("W_rec")?;
//! w_rec.slice_mut(s![..10, ..10]).fill(0.0);
//! weights.insert("W_rec", w_rec);
//! weights.save("modified_saved_weights.npz")?;
//! let network = Rnn::with_weights(&task, RnnConfig::default().units(50), &weights)?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! The file brings its `dale_ratio`, masks and transfer function with it; what the configuration says goes before.
//!
//! # Simulation in NumPy (3.7): in ndarray
//!
//! ```python
//! simulator = BasicSimulator(rnn_model = tf_model)
//! simulator = BasicSimulator(weights_path='./weights/saved_weights.npz', params = {'dt': 10, 'tau': 100})
//! outputs, states = simulator.run_trials(x)
//! outputs, states = simulator.run_trials(x, t_connectivity)
//! ```
//!
//! ```no_run
//! # use psychrnn::prelude::*;
//! # use psychrnn::ndarray::Array3;
//! # let task = PerceptualDiscrimination::default();
//! # let network = Rnn::new(&task, RnnConfig::default())?;
//! # let gain = Array3::<f32>::ones((200, 50, 50));
//! let simulator = network.simulator()?;
//! let simulator = Simulator::new(&Weights::load("saved_weights.npz")?, LeakyUnits::new(10.0, 100.0))?;
//! let session = simulator.run(&task.batch(128, Seed(1))?)?;
//! let perturbed = simulator.recurrent_gain(gain).run(&session.batch)?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Define a new task (3.8)
//!
//! `generate_trial_params` is `draw`, whose result is a struct of yours instead of a dictionary; `trial_function` is `step`,
//! which fills in what PsychRNN returns.
//!
//! ```python
//! class SimplePD(Task):
//!     def generate_trial_params(self, batch, trial):
//!         return {'coherence': np.random.exponential(scale=1/5), 'direction': np.random.choice([0, 1])}
//!     def trial_function(self, time, params):
//!         x_t = np.sqrt(2*self.alpha*.1*.1)*np.random.randn(self.N_in)
//!         y_t = np.zeros(self.N_out)
//!         mask_t = np.ones(self.N_out)
//!         if self.T/4 < time < 3*self.T/4:
//!             x_t += 1
//!             x_t[params['direction']] += params['coherence']
//!         if time > 3*self.T/4 + 20:
//!             y_t[params['direction']] = 1.
//!         if time < 3*self.T/4:
//!             mask_t = np.zeros(self.N_out)
//!         return x_t, y_t, mask_t
//! ```
//!
//! ```
//! use psychrnn::prelude::*;
//!
//! #[derive(Clone, Trial)]
//! struct Dots { coherence: f32, direction: usize }
//!
//! struct SimplePd;
//! impl Task for SimplePd {
//!     type Trial = Dots;
//!     fn spec(&self) -> TaskSpec {
//!         TaskSpec::new(2, 2).epoch("fixation", 500.0).epoch("stimulus", 1000.0).epoch("decision", 500.0)
//!     }
//!     fn draw(&self, rng: &mut TrialRng) -> Dots {
//!         Dots { coherence: rng.exponential(0.2), direction: rng.index(2) }
//!     }
//!     fn step(&self, _t: f32, dots: &Dots, rng: &mut TrialRng, now: &mut Step) {
//!         let sd = (2.0 * 0.1 * 0.1_f32 * 0.1).sqrt();
//!         now.input[0] = rng.normal(0.0, sd);
//!         now.input[1] = rng.normal(0.0, sd);
//!         if now.is_in("stimulus") {
//!             now.input[0] += 1.0;
//!             now.input[1] += 1.0;
//!             now.input[dots.direction] += dots.coherence;
//!         }
//!         if now.is_in("decision") {
//!             now.target[dots.direction] = 1.0;
//!         } else {
//!             now.mask.fill(0.0);
//!         }
//!     }
//! }
//! # SimplePd.batch(2, Seed(1))?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Define a new model (3.9)
//!
//! A layer between inputs and recurrent units, on top of an [`Rnn`](crate::network::Rnn), with all its constraints: the
//! layer's weights are one more parameter of it, and the inputs go through the layer first.
//!
//! ```
//! use psychrnn::network::{Activity, Parameters, Sizes, Tensors, Trials};
//! use psychrnn::ndarray::Array2;
//! use psychrnn::prelude::*;
//!
//! struct WithLayer { rnn: Rnn, n_in: usize }
//!
//! impl WithLayer {
//!     fn new(task: &dyn TrialSource, n_layer: usize, config: RnnConfig) -> Result<Self> {
//!         let spec = task.spec()?;
//!         let n_in = spec.n_in;
//!         let mut rnn = Rnn::from_spec(&TaskSpec { n_in: n_layer, ..spec }, config)?;
//!         let mut rng = Seed(1).stream(0);
//!         let layer = Array2::from_shape_simple_fn((n_layer, n_in), || rng.normal(0.0, 0.3));
//!         rnn.parameters_mut().insert("W_in_first", &layer)?;
//!         Ok(Self { rnn, n_in })
//!     }
//! }
//!
//! impl Network for WithLayer {
//!     fn sizes(&self) -> Sizes { Sizes { n_in: self.n_in, ..self.rnn.sizes() } }
//!     fn parameters(&self) -> &Parameters { self.rnn.parameters() }
//!     fn parameters_mut(&mut self) -> &mut Parameters { self.rnn.parameters_mut() }
//!     fn effective(&self) -> Result<Tensors> { self.rnn.effective() }
//!     fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
//!         let processed = trials.inputs.f_matmul(&weights.get("W_in_first")?.f_tr()?)?.f_relu()?;
//!         self.rnn.forward(weights, &trials.with_inputs(processed))
//!     }
//! }
//!
//! let task = PerceptualDiscrimination::default().duration(200.0);
//! let mut network = WithLayer::new(&task, 32, RnnConfig::default().units(10).dale_ratio(0.8))?;
//! Trainer::default().updates(2).silent().train(&mut network, &task)?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! # Further extensibility (3.10)
//!
//! A loss, a penalty, a metric: closures. Initial weights: [`Initializer`](crate::network::Initializer).
//!
//! ```python
//! network_params['loss_function'] = 'mean_abs'
//! network_params['mean_abs'] = lambda predictions, y, mask: tf.reduce_mean(tf.abs(mask * (predictions - y)))
//! network_params['custom_regularization'] = lambda model, params: .1 * tf.reduce_mean(tf.abs(model.get_effective_W_rec()))
//! ```
//!
//! ```
//! use psychrnn::network::{Activity, Tensors, Trials};
//! use psychrnn::prelude::*;
//! use psychrnn::tch::Kind;
//! let trainer = Trainer::default()
//!     .loss(|activity: &Activity, trials: &Trials| {
//!         let error = (&activity.outputs - &trials.targets) * &trials.mask;
//!         Ok(error.abs().mean(Kind::Float))
//!     })
//!     .regularizer(|weights: &Tensors, _: &Activity, _: &Trials| {
//!         Ok(weights.get("W_rec")?.abs().mean(Kind::Float) * 0.1)
//!     });
//! ```
//!
//! # What differs
//!
//! - PsychRNN's regularizers take means where its documentation writes norms; ours take the same means.
//! - Its LSTM is not the usual one (`o · sigmoid(c)`): [`LstmConfig::psychrnn`](crate::network::LstmConfig::psychrnn) has it,
//!   and [`LstmConfig::default`](crate::network::LstmConfig) has the usual one.
//! - `Adam` adds `ε` where the paper does; [`Adam::tensorflow`](crate::train::Adam::tensorflow) where PsychRNN does.
//! - The known flaws of two of its tasks are mended; `psychrnn()` of each gives the original.
//! - A mask may have factors from 0 to 1; signs of units that are not in PsychRNN's order are [`signs`](crate::network::RnnConfig::signs).
//! - `dale_ratio` 0 is refused, since nothing would project to the output; 1 is allowed.
