//! The machine as the pipeline sees it: clock, memory, signals, and a terminal that may be watching.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::filter::LevelFilter;

use super::{Global, LogFormat, memory};
use crate::pipeline::{Host, LOAD, nightly};
use crate::vocabulary::{Day, Moment};

/// 128 + the signal that asked the program to stop; 0 = none yet.
static STOP: AtomicU8 = AtomicU8::new(0);
/// True while a committed run becomes visible, which should not be cut short.
static EXPOSING: AtomicBool = AtomicBool::new(false);
/// How long a run may take to stop by itself at the next stage.
const GRACE: Duration = Duration::from_secs(2);

/// The exit code of the signal that asked to stop, if one did.
pub fn stop_signal() -> Option<u8> {
    match STOP.load(Ordering::SeqCst) {
        0 => None,
        code => Some(code),
    }
}

/// The terminal, or the log file, that a command runs in.
pub struct Terminal {
    /// Only where a person watches.
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// Sets up logging and signals.
    pub fn start(global: &Global) -> Terminal {
        let watched = std::io::stderr().is_terminal() && !global.quiet && global.log_format == LogFormat::Text;
        log(global, watched);
        std::thread::spawn(watch_signals);
        Terminal { bar: watched.then(spinner) }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Yesterday, UTC: the last day that is over.
    pub fn yesterday(&self) -> Day {
        self.now().day().minus(1)
    }

    /// How far a long command has come.
    pub fn progress(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(message.to_owned()),
            None => tracing::debug!("{message}"),
        }
    }

    pub fn warn(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tracing::warn!("{message}")),
            None => tracing::warn!("{message}"),
        }
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn log(global: &Global, watched: bool) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, 0) if watched => LevelFilter::WARN,
        (_, 0 | 1) => LevelFilter::INFO,
        (_, 2) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse_lossy(format!("warn,foothold={level}"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(watched)
        .with_target(false);
    match global.log_format {
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
        LogFormat::Text => subscriber.compact().init(),
    }
}

/// Waits for SIGINT or SIGTERM: asks the run to stop at its next stage, and leaves if that takes too long.
fn watch_signals() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let Some(code) = runtime.block_on(first_signal()) else { return };
    STOP.store(code, Ordering::SeqCst);
    std::thread::sleep(GRACE);
    while EXPOSING.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Nothing is visible before the commit, and what follows it is repaired by the next run.
    eprintln!("stopped; nothing is half-published");
    std::process::exit(code.into());
}

#[cfg(unix)]
async fn first_signal() -> Option<u8> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).ok()?;
    let mut terminate = signal(SignalKind::terminate()).ok()?;
    tokio::select! {
        _ = interrupt.recv() => Some(130),
        _ = terminate.recv() => Some(143),
    }
}

#[cfg(not(unix))]
async fn first_signal() -> Option<u8> {
    tokio::signal::ctrl_c().await.ok().map(|()| 130)
}

impl Host for Terminal {
    fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn begin(&self, stage: &str) {
        EXPOSING.store(stage == nightly::EXPOSE, Ordering::SeqCst);
        memory::expect_streams(stage == LOAD);
        match &self.bar {
            Some(bar) => bar.set_message(stage.to_owned()),
            None => tracing::debug!(stage, "begins"),
        }
    }

    fn end(&self, stage: &str, seconds: f64) {
        EXPOSING.store(false, Ordering::SeqCst);
        memory::give_back();
        match &self.bar {
            Some(bar) => bar.suspend(|| tracing::info!(stage, seconds, "done")),
            None => tracing::info!(stage, seconds, "done"),
        }
    }

    fn warn(&self, message: &str) {
        Terminal::warn(self, message);
    }

    fn give_back(&self) {
        memory::give_back();
    }

    fn interrupted(&self) -> bool {
        stop_signal().is_some()
    }

    fn peak_memory_bytes(&self) -> Option<u64> {
        memory::peak()
    }
}
