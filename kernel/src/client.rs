//! The Jupyter client: sockets, requests and replies.
//!
//! A task for each socket, and one thread that runs cells and answers all that needs evcxr, one request after another.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context as _, Result};
use evcxr::EvalOutputs;
use jupyter_zmq_client::{
    CodeMirrorMode, CommClose, CommInfoReply, CompleteReply, ConnectionInfo, DisplayData, ErrorOutput, ExecuteInput,
    ExecuteReply, ExecuteRequest, ExecuteResult, ExecutionCount, HelpLink, HistoryReply, InputRequest, InspectReply,
    InterruptReply, IsCompleteReply, JupyterMessage, JupyterMessageContent, KernelInfoReply, LanguageInfo, Media,
    ReplyError, ReplyStatus, ShutdownReply, Status, StreamContent, Transient, UpdateDisplayData,
    create_kernel_control_connection, create_kernel_heartbeat_connection, create_kernel_iopub_connection,
    create_kernel_shell_connection, create_kernel_stdin_connection,
};
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc as async_mpsc, oneshot};

use crate::cells::Cells;
use crate::output::{Display, Event, Failure};
use crate::relay::{Compiling, Relay};
use crate::template::Folder;

/// After this time a cell that was told to stop is said to go on.
const STOP: Duration = Duration::from_secs(5);
const GOES_ON: &str = "The cell goes on: the stop button ends the library's own work (training, ensembles, bootstraps, \
    sweeps), and a cell that is being compiled, but no other code. To end this one, restart the kernel; its variables are \
    lost then.\n";

/// Serves the client that wrote the connection file, until it asks for the end.
pub(crate) fn serve(connection: &Path) -> Result<()> {
    let text = fs::read_to_string(connection).with_context(|| format!("cannot read {}", connection.display()))?;
    let info: ConnectionInfo = serde_json::from_str(&text).context("this is no connection file of Jupyter's")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve_sockets(&info))
}

async fn serve_sockets(info: &ConnectionInfo) -> Result<()> {
    let session = JupyterMessage::new(Status::starting(), None).header.session;
    let mut heartbeat = create_kernel_heartbeat_connection(info).await?;
    let mut iopub = create_kernel_iopub_connection(info, &session).await?;
    let mut stdin = create_kernel_stdin_connection(info, &session).await?;
    let (mut shell_out, mut shell_in) = create_kernel_shell_connection(info, &session).await?.split();
    let mut control = create_kernel_control_connection(info, &session).await?;

    let (to_iopub, mut for_iopub) = async_mpsc::unbounded_channel();
    let (to_shell, mut for_shell) = async_mpsc::unbounded_channel();
    let (to_stdin, mut for_stdin) = async_mpsc::unbounded_channel::<Question>();
    let (to_worker, for_worker) = mpsc::channel();
    let kernel =
        Arc::new(Kernel { to_iopub, to_shell, to_stdin, cell: Mutex::default(), stopped: AtomicBool::new(false) });

    tokio::spawn(async move { while heartbeat.single_heartbeat().await.is_ok() {} });
    tokio::spawn(async move {
        while let Some(message) = for_iopub.recv().await {
            say_if_lost(iopub.send(message).await);
        }
    });
    tokio::spawn(async move {
        while let Some(message) = for_shell.recv().await {
            say_if_lost(shell_out.send(message).await);
        }
    });
    tokio::spawn(async move {
        while let Some((question, answer)) = for_stdin.recv().await {
            say_if_lost(stdin.send(question).await);
            if let Ok(JupyterMessage { content: JupyterMessageContent::InputReply(reply), .. }) = stdin.read().await {
                let _ = answer.send(reply.value);
            }
        }
    });
    tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move {
            loop {
                match shell_in.read().await {
                    Ok(message) => {
                        if !kernel.answers(&message) && to_worker.send(message).is_err() {
                            break;
                        }
                    }
                    Err(error) => eprintln!("a request could not be read: {error}"),
                }
            }
        }
    });
    kernel.publish(Status::starting(), None);
    let worker = Worker::prepare(Arc::clone(&kernel))?;
    let end = worker.end.clone();
    thread::spawn(move || worker.work(&for_worker));

    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let parent = std::os::unix::process::parent_id();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            message = control.read() => match message {
                Ok(message) => {
                    let (reply, ends) = kernel.control(&message);
                    if let Some(reply) = reply {
                        say_if_lost(control.send(reply).await);
                    }
                    if ends {
                        // What was sent is still on its way.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        end.now();
                    }
                }
                Err(error) => eprintln!("a request could not be read: {error}"),
            },
            _ = interrupts.recv() => kernel.stop(),
            _ = terminations.recv() => end.now(),
            // Who started us may end without a word.
            _ = seconds.tick() => if std::os::unix::process::parent_id() != parent { end.now() },
        }
    }
}

type Question = (JupyterMessage, oneshot::Sender<String>);

/// What all tasks and threads share.
struct Kernel {
    to_iopub: async_mpsc::UnboundedSender<JupyterMessage>,
    to_shell: async_mpsc::UnboundedSender<JupyterMessage>,
    to_stdin: async_mpsc::UnboundedSender<Question>,
    cell: Mutex<Cell>,
    /// Whether the stop button was pressed since the cell began.
    stopped: AtomicBool,
}

/// The cell that runs, or that ran last.
#[derive(Default)]
struct Cell {
    request: Option<JupyterMessage>,
    runs: bool,
    failure: Option<Failure>,
    /// The named values that it has shown.
    shown: HashSet<String>,
}

impl Kernel {
    fn cell(&self) -> MutexGuard<'_, Cell> {
        self.cell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends to all clients.
    fn publish(&self, content: impl Into<JupyterMessageContent>, parent: Option<&JupyterMessage>) {
        // Identities of a request are not a topic.
        let message = JupyterMessage::new(content, parent).with_zmq_identities(Vec::new());
        let _ = self.to_iopub.send(message);
    }

    fn reply(&self, content: impl Into<JupyterMessageContent>, request: &JupyterMessage) {
        let _ = self.to_shell.send(JupyterMessage::new(content, Some(request)));
    }

    /// Answers a request that can be answered at any time; whether it was one.
    fn answers(&self, request: &JupyterMessage) -> bool {
        let answer: JupyterMessageContent = match &request.content {
            JupyterMessageContent::KernelInfoRequest(_) => kernel_info().into(),
            JupyterMessageContent::CommInfoRequest(_) => {
                CommInfoReply { status: ReplyStatus::Ok, comms: Default::default(), error: None }.into()
            }
            JupyterMessageContent::HistoryRequest(_) => HistoryReply::new(Vec::new()).into(),
            JupyterMessageContent::IsCompleteRequest(_) => IsCompleteReply::unknown().into(),
            // There is nothing in our kernel that widgets could talk to.
            JupyterMessageContent::CommOpen(open) => {
                let close = CommClose { comm_id: open.comm_id.clone(), data: Map::new() };
                self.publish(close, Some(request));
                return true;
            }
            JupyterMessageContent::ExecuteRequest(_)
            | JupyterMessageContent::CompleteRequest(_)
            | JupyterMessageContent::InspectRequest(_) => return false,
            _ => return true,
        };
        self.publish(Status::busy(), Some(request));
        self.reply(answer, request);
        self.publish(Status::idle(), Some(request));
        let cell = self.cell();
        if cell.runs {
            // The client takes the last status for that of the kernel.
            self.publish(Status::busy(), cell.request.as_ref());
        }
        true
    }

    /// The answer to a request that goes before all others, and whether the kernel is to end.
    fn control(&self, request: &JupyterMessage) -> (Option<JupyterMessage>, bool) {
        let reply = |content: JupyterMessageContent| Some(JupyterMessage::new(content, Some(request)));
        match &request.content {
            JupyterMessageContent::KernelInfoRequest(_) => (reply(kernel_info().into()), false),
            JupyterMessageContent::InterruptRequest(_) => {
                // As if it came from a terminal: to the process that runs the cell, and to the compiler.
                let _ = rustix::process::kill_current_process_group(rustix::process::Signal::INT);
                (reply(InterruptReply::new().into()), false)
            }
            JupyterMessageContent::ShutdownRequest(shutdown) => {
                let content = ShutdownReply { restart: shutdown.restart, status: ReplyStatus::Ok, error: None };
                self.publish(content.clone(), Some(request));
                (reply(content.into()), true)
            }
            _ => (None, false),
        }
    }

    /// The stop button was pressed. The process that runs the cell and the compiler were told so by the system.
    fn stop(self: &Arc<Self>) {
        self.stopped.store(true, Ordering::SeqCst);
        let running = |kernel: &Self| {
            let cell = kernel.cell();
            cell.request.as_ref().filter(|_| cell.runs).map(|request| request.header.msg_id.clone())
        };
        let Some(stopped) = running(self) else { return };
        let kernel = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(STOP).await;
            if running(&kernel) == Some(stopped) {
                kernel.show(Event::Stderr(GOES_ON.into()));
            }
        });
    }

    /// Shows what a cell has written.
    fn show(&self, event: Event) {
        let mut cell = self.cell();
        match event {
            Event::Stdout(text) => self.publish(StreamContent::stdout(&text), cell.request.as_ref()),
            Event::Stderr(text) => self.publish(StreamContent::stderr(&text), cell.request.as_ref()),
            Event::Failed(failure) => {
                cell.failure.get_or_insert(failure);
            }
            // evcxr tries itself before the first cell.
            Event::Display(_) if cell.request.is_none() => {}
            Event::Display(Display { data, name }) => {
                // Names are those of the cell: another may use the same ones.
                let id = name.zip(cell.request.as_ref()).map(|(name, cell)| format!("{}-{name}", cell.header.msg_id));
                let transient = Transient { display_id: id.clone() };
                let (data, metadata) = (media(data), Map::new());
                if id.is_some_and(|id| !cell.shown.insert(id)) {
                    self.publish(UpdateDisplayData { data, metadata, transient }, cell.request.as_ref());
                } else {
                    let transient = transient.display_id.is_some().then_some(transient);
                    self.publish(DisplayData { data, metadata, transient }, cell.request.as_ref());
                }
            }
            Event::Message(_) => {}
        }
    }
}

/// The thread that runs cells.
struct Worker {
    kernel: Arc<Kernel>,
    relay: Relay,
    folder: Option<Folder>,
    count: usize,
    end: End,
}

/// How the kernel ends: nothing of it stays behind.
#[derive(Clone)]
struct End {
    process: Arc<Mutex<Option<Arc<Mutex<Child>>>>>,
    folder: Option<PathBuf>,
}

impl End {
    fn now(&self) -> ! {
        if let Ok(Some(process)) = self.process.lock().as_deref()
            && let Ok(mut process) = process.lock()
        {
            let _ = process.kill();
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
        exit(0)
    }
}

impl Worker {
    fn prepare(kernel: Arc<Kernel>) -> Result<Self> {
        let folder = Folder::make()?;
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let relay = Relay::new(path.as_deref())?;
        Ok(Self { kernel, relay, folder, count: 0, end: End { process: Arc::default(), folder: path } })
    }

    fn work(mut self, requests: &mpsc::Receiver<JupyterMessage>) {
        let kernel = Arc::clone(&self.kernel);
        self.relay.start(move |event| kernel.show(event));
        let kernel = Arc::clone(&self.kernel);
        let compiling = Compiling::start(move |event| kernel.show(event));
        let mut cells = Cells::start(&self.relay, self.folder.take());
        if let Ok((cells, _)) = &cells
            && let Ok(mut process) = self.end.process.lock()
        {
            *process = Some(cells.process());
        }
        let mut waiting = requests.try_iter().collect::<std::collections::VecDeque<_>>();
        if waiting.is_empty()
            && let Ok((cells, _)) = &mut cells
        {
            let _ = catch_unwind(AssertUnwindSafe(|| cells.warm_up()));
        }
        while let Some(request) = waiting.pop_front().or_else(|| requests.recv().ok()) {
            self.kernel.publish(Status::busy(), Some(&request));
            let cells = cells.as_mut().map(|(cells, _)| cells).map_err(|failure| failure.clone());
            compiling.reset();
            let done = catch_unwind(AssertUnwindSafe(|| match &request.content {
                JupyterMessageContent::ExecuteRequest(cell) => {
                    let fine = self.execute(cells, cell, &request);
                    if !fine && cell.stop_on_error {
                        // The client sent them before it knew.
                        waiting.extend(requests.try_iter());
                        waiting.retain(|later| !self.aborted(later));
                    }
                }
                content => self.assist(cells, content, &request),
            }));
            if done.is_err() {
                self.fail(
                    &request,
                    Failure {
                        name: "the kernel failed".into(),
                        message: "evcxr, on which this kernel stands, came to an impossible place".into(),
                        details: vec!["Variables may be lost. If cells fail from now on, restart the kernel.".into()],
                    },
                );
            }
            self.kernel.cell().runs = false;
            self.kernel.publish(Status::idle(), Some(&request));
        }
    }

    /// Runs a cell and replies; whether it ran to its end.
    fn execute(&mut self, cells: Result<&mut Cells, Failure>, cell: &ExecuteRequest, request: &JupyterMessage) -> bool {
        if !cell.silent {
            self.count += 1;
            let input = ExecuteInput { code: cell.code.clone(), execution_count: ExecutionCount::new(self.count) };
            self.kernel.publish(input, Some(request));
        }
        self.kernel.stopped.store(false, Ordering::SeqCst);
        *self.kernel.cell() = Cell { request: Some(request.clone()), runs: true, ..Cell::default() };
        let ask = |prompt: &str, password: bool| self.ask(cell, request, prompt, password);
        let result = cells.and_then(|cells| {
            if let Some(note) = cells.note(&cell.code) {
                self.kernel.show(Event::Stderr(note));
            }
            let result = cells.run(&cell.code, self.count, &ask);
            match self.kernel.cell().failure.take() {
                Some(failure) => Err(cells.locate(failure)),
                None => result.map_err(|failure| self.stopped(failure)),
            }
        });
        match result {
            Ok(outputs) => {
                self.show_result(outputs, request);
                self.kernel.reply(
                    ExecuteReply {
                        execution_count: ExecutionCount::new(self.count),
                        user_expressions: Some(Default::default()),
                        ..ExecuteReply::default()
                    },
                    request,
                );
                true
            }
            Err(failure) => {
                self.fail(request, failure);
                false
            }
        }
    }

    /// What a failure of evcxr's is called if the stop button ended the compiler.
    fn stopped(&self, failure: Failure) -> Failure {
        if failure.name == "error" && self.kernel.stopped.load(Ordering::SeqCst) {
            let message = "the cell was stopped before it ran".into();
            return Failure { name: "interrupted".into(), message, details: Vec::new() };
        }
        failure
    }

    /// Shows what a command of evcxr's gave.
    fn show_result(&self, outputs: EvalOutputs, request: &JupyterMessage) {
        let mut results: Vec<Map<String, Value>> = Vec::new();
        if !outputs.content_by_mime_type.is_empty() {
            results.push(outputs.content_by_mime_type.into_iter().map(|(mime, text)| (mime, text.into())).collect());
        }
        if let Some(time) = outputs.timing {
            results.push(Map::from_iter([("text/plain".to_owned(), json!(format!("{:.2} s", time.as_secs_f64())))]));
        }
        for data in results {
            let result = ExecuteResult {
                execution_count: ExecutionCount::new(self.count),
                data: media(data),
                ..ExecuteResult::default()
            };
            self.kernel.publish(result, Some(request));
        }
    }

    fn fail(&self, request: &JupyterMessage, failure: Failure) {
        let Failure { name: ename, message: evalue, details } = failure;
        let mut traceback = details;
        // The compiler's reports begin with the message.
        if !traceback.first().is_some_and(|first| first.contains(&evalue)) {
            traceback.insert(0, format!("\x1b[31m{ename}: {evalue}\x1b[0m"));
        }
        let error = ErrorOutput { ename: ename.clone(), evalue: evalue.clone(), traceback: traceback.clone() };
        self.kernel.publish(error, Some(request));
        let reply = ExecuteReply {
            status: ReplyStatus::Error,
            execution_count: ExecutionCount::new(self.count),
            error: Some(Box::new(ReplyError { ename, evalue, traceback })),
            ..ExecuteReply::default()
        };
        self.kernel.reply(reply, request);
    }

    /// Replies to a cell that it does not run, since one before it failed; whether it was a cell.
    fn aborted(&self, request: &JupyterMessage) -> bool {
        if !matches!(request.content, JupyterMessageContent::ExecuteRequest(_)) {
            return false;
        }
        self.kernel.publish(Status::busy(), Some(request));
        let reply = ExecuteReply {
            status: ReplyStatus::Aborted,
            execution_count: ExecutionCount::new(self.count),
            ..ExecuteReply::default()
        };
        self.kernel.reply(reply, request);
        self.kernel.publish(Status::idle(), Some(request));
        true
    }

    /// Asks the user for a line.
    fn ask(&self, cell: &ExecuteRequest, request: &JupyterMessage, prompt: &str, password: bool) -> String {
        if !cell.allow_stdin {
            return String::new();
        }
        let question = InputRequest { prompt: prompt.to_owned(), password };
        let (answer, answered) = oneshot::channel();
        let _ = self.kernel.to_stdin.send((JupyterMessage::new(question, Some(request)), answer));
        answered.blocking_recv().unwrap_or_default()
    }

    /// Completes or explains code.
    fn assist(&self, cells: Result<&mut Cells, Failure>, content: &JupyterMessageContent, request: &JupyterMessage) {
        match content {
            JupyterMessageContent::CompleteRequest(code) => {
                let found = cells.ok().and_then(|cells| cells.complete(&code.code, code.cursor_pos).ok());
                let mut reply = CompleteReply {
                    cursor_start: code.cursor_pos,
                    cursor_end: code.cursor_pos,
                    ..CompleteReply::default()
                };
                if let Some(found) = found {
                    let kinds = found.items.iter().map(|(_, label, kind)| {
                        json!({ "text": label, "type": kind, "start": found.range.start, "end": found.range.end })
                    });
                    reply.metadata.insert("_jupyter_types_experimental".into(), kinds.collect());
                    (reply.cursor_start, reply.cursor_end) = (found.range.start, found.range.end);
                    reply.matches = found.items.into_iter().map(|(code, ..)| code).collect();
                }
                self.kernel.reply(reply, request);
            }
            JupyterMessageContent::InspectRequest(code) => {
                let found = cells.ok().and_then(|cells| cells.inspect(&code.code, code.cursor_pos));
                let mut reply = InspectReply { found: found.is_some(), ..InspectReply::default() };
                if let Some((text, html)) = found {
                    let data = [("text/plain", text), ("text/html", html)];
                    reply.data = media(data.into_iter().map(|(mime, text)| (mime.to_owned(), text.into())).collect());
                }
                self.kernel.reply(reply, request);
            }
            _ => {}
        }
    }
}

/// Alternatives of a value, as the protocol has them. What it does not know it takes as it is.
fn media(data: Map<String, Value>) -> Media {
    serde_json::from_value(Value::Object(data)).unwrap_or_default()
}

fn say_if_lost<E: std::fmt::Display>(sent: Result<(), E>) {
    if let Err(error) = sent {
        eprintln!("a message is lost: {error}");
    }
}

fn kernel_info() -> KernelInfoReply {
    KernelInfoReply {
        status: ReplyStatus::Ok,
        protocol_version: "5.3".into(),
        implementation: env!("CARGO_PKG_NAME").into(),
        implementation_version: env!("CARGO_PKG_VERSION").into(),
        language_info: LanguageInfo {
            name: "rust".into(),
            version: String::new(),
            mimetype: Some("text/rust".into()),
            file_extension: Some(".rs".into()),
            pygments_lexer: Some("rust".into()),
            codemirror_mode: Some(CodeMirrorMode::Simple("rust".into())),
            nbconvert_exporter: None,
        },
        banner: "Rust, for psychrnn".into(),
        help_links: vec![HelpLink { text: "Rust".into(), url: "https://doc.rust-lang.org/stable/std/".into() }],
        debugger: false,
        error: None,
    }
}
