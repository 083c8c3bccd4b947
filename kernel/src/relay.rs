//! The way of what a cell writes: from the process that runs cells to us, and what evcxr must read back to evcxr.
//!
//! evcxr starts this program again and reads that process's standard output. [`attach`] puts sockets to us in place of the
//! standard output and the standard error there, before evcxr's loop begins. What evcxr is to read we send through a third
//! socket to one more process, which has the original standard output and copies onto it ([`hand_back`]). When the process
//! that runs cells ends, however it ends, all of its output has reached us.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cargo;
use crate::output::{Display, Event, Output};

/// The socket on which the kernel waits for the process that runs cells.
const SOCKET: &str = "PSYCHRNN_KERNEL";
/// The argument with which this program only copies.
pub(crate) const RETURN: &str = "--return";
pub(crate) const SEARCH_PATH: &str = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
/// How long the standard error is kept back, since it may say why the cell failed; writing a panic takes longer.
const MOMENT: Duration = Duration::from_millis(40);
const PANIC: Duration = Duration::from_secs(3);

/// In the process that runs cells: connects its output to the kernel. Elsewhere nothing.
pub(crate) fn attach() -> Result<()> {
    let (Some(socket), true) = (std::env::var_os(SOCKET), std::env::var_os("EVCXR_IS_RUNTIME").is_some()) else {
        return Ok(());
    };
    survive_interrupts()?;
    let connect = |role: u8| -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&socket)?;
        stream.write_all(&[role])?;
        Ok(stream)
    };
    let connect = |role| connect(role).context("the process that runs cells does not reach its kernel");
    Command::new(std::env::current_exe()?)
        .arg(RETURN)
        .env_remove("EVCXR_IS_RUNTIME")
        .stdin(Stdio::from(OwnedFd::from(connect(b'b')?)))
        .spawn()?;
    rustix::stdio::dup2_stdout(connect(b'o')?)?;
    rustix::stdio::dup2_stderr(connect(b'e')?)?;
    Ok(())
}

/// Copies the standard input to the standard output, until it ends.
pub(crate) fn hand_back() -> Result<()> {
    survive_interrupts()?;
    io::copy(&mut io::stdin(), &mut io::stdout())?;
    Ok(())
}

/// Jupyter's stop button interrupts all our processes. Whether a cell minds is its own affair.
fn survive_interrupts() -> Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

/// Where cells look for libraries: they share Rust's own, which evcxr's cells find only from where they were linked.
pub(crate) fn search_path() -> Result<OsString> {
    let rustc = Command::new("rustc").args(["--print", "target-libdir"]).output().context("cannot start rustc")?;
    let mut path = OsString::from(String::from_utf8_lossy(&rustc.stdout).trim());
    if let Some(others) = std::env::var_os(SEARCH_PATH) {
        path.push(":");
        path.push(others);
    }
    Ok(path)
}

/// Waits for processes that run cells.
pub(crate) struct Relay {
    listener: Arc<UnixListener>,
    path: PathBuf,
}

impl Relay {
    /// Waits at a socket in this folder, or in one for temporary files.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self> {
        let name = format!("psychrnn-kernel-{}.socket", std::process::id());
        let path = folder.map_or_else(std::env::temp_dir, Path::to_owned).join(name);
        let listener = UnixListener::bind(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { listener: Arc::new(listener), path })
    }

    /// This program, to be started by evcxr so that it reaches us.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(SOCKET, &self.path).env(SEARCH_PATH, search_path()?).envs(cargo::users());
        Ok(command)
    }

    /// Calls `show` with all that cells write, from a thread of its own.
    pub(crate) fn start(&self, mut show: impl FnMut(Event) + Send + 'static) {
        let listener = Arc::clone(&self.listener);
        thread::spawn(move || {
            loop {
                // One process at a time; if evcxr starts another, the one before has ended.
                let streams = wait(&listener);
                if let Err(error) = streams.and_then(|(back, out, err)| pump(back, out, err, &mut show)) {
                    eprintln!("the output of cells is lost: {error}");
                }
            }
        });
    }
}

/// The three sockets of a process, in the order in which it opens them.
fn wait(listener: &UnixListener) -> io::Result<(UnixStream, UnixStream, UnixStream)> {
    let accept = || -> io::Result<(u8, UnixStream)> {
        let (mut stream, _) = listener.accept()?;
        let mut role = [0];
        stream.read_exact(&mut role)?;
        Ok((role[0], stream))
    };
    loop {
        if let (b'b', back) = accept()?
            && let (b'o', out) = accept()?
            && let (b'e', err) = accept()?
        {
            return Ok((back, out, err));
        }
    }
}

/// Hands on what a process writes, until it ends.
fn pump(mut back: UnixStream, mut out: UnixStream, err: UnixStream, show: &mut impl FnMut(Event)) -> io::Result<()> {
    err.set_nonblocking(true)?;
    let mut output = Output::default();
    let mut buffer = vec![0; 1 << 16];
    let mut kept_back = false;
    let mut hand_on = |events: Vec<Event>| -> io::Result<()> {
        for event in events {
            match event {
                Event::Message(line) => writeln!(back, "{line}")?,
                event => show(event),
            }
        }
        Ok(())
    };
    let mut err_is_open = true;
    loop {
        let wait = if output.is_panicking() { PANIC } else { MOMENT };
        let wait =
            kept_back.then(|| Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) });
        let mut files = vec![PollFd::new(&out, PollFlags::IN)];
        if err_is_open {
            files.push(PollFd::new(&err, PollFlags::IN));
        }
        let ready = match poll(&mut files, wait.as_ref()) {
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready?,
        };
        let [from_out, from_err] = [0, 1].map(|file| files.get(file).is_some_and(|file| !file.revents().is_empty()));
        drop(files);
        if ready == 0 {
            hand_on(output.pause())?;
            kept_back = false;
            continue;
        }
        kept_back = true;
        if from_err {
            let (written, open) = drain(&err);
            output.take_stderr(&written);
            err_is_open = open;
        }
        if from_out {
            let n = out.read(&mut buffer)?;
            if n == 0 {
                let (written, _) = drain(&err);
                output.take_stderr(&written);
                return hand_on(output.end());
            }
            hand_on(output.take_stdout(&buffer[..n], || drain(&err).0))?;
        }
    }
}

/// What is there to be read at once, and whether more may come.
fn drain(mut stream: &UnixStream) -> (Vec<u8>, bool) {
    let mut written = Vec::new();
    let end = stream.read_to_end(&mut written);
    (written, end.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
}

/// Says while a cell waits for the compiler what is compiled. evcxr writes it to our standard error.
pub(crate) struct Compiling(Arc<AtomicUsize>);

impl Compiling {
    /// Reads our own standard error, shows what is compiled, and hands all else on.
    pub(crate) fn start(mut show: impl FnMut(Event) + Send + 'static) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let redirect = || -> Result<(File, UnixStream)> {
            let before = File::from(rustix::io::dup(rustix::stdio::stderr())?);
            let (ours, theirs) = UnixStream::pair()?;
            rustix::stdio::dup2_stderr(theirs)?;
            Ok((before, ours))
        };
        if let Ok((mut before, ours)) = redirect() {
            thread::spawn(move || {
                for line in BufReader::new(ours).lines().map_while(Result::ok) {
                    match line.trim_start().strip_prefix("Compiling ") {
                        Some(what) => {
                            let n = counter.fetch_add(1, Ordering::SeqCst) + 1;
                            let text = format!("compiling {what} (number {n})");
                            let data = [("text/plain".to_owned(), text.into())].into_iter().collect();
                            show(Event::Display(Display { data, name: Some("compiling".into()) }));
                        }
                        None => drop(writeln!(before, "{line}")),
                    }
                }
            });
        }
        Self(count)
    }

    /// Counts anew.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}
