//! Starts real servers for tests, and stops them when the tests end, however
//! they end.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take until it answers. It takes seconds; a busy
/// machine of CI may take ten times as long.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Runs `"$@"` until it ends or our end of the pipe at standard input is
/// closed. The kernel closes it even when the test process is killed, so no
/// server is ever left behind; `Drop` would not run then, nor for a `static`.
/// The folder of a server that ended by itself stays, for its log.
const SUPERVISE: &str = r#"
exec 3<&0 </dev/null
"$@" 3<&- >"$RIG_FOLDER/log" 2>&1 &
server=$!
(cat <&3 >/dev/null; : >"$RIG_FOLDER/stopped"; kill "$server" 2>/dev/null) &
wait "$server"
code=$?
[ -n "${LOGFLEET_KEEP_RIGS:-}" ] || [ ! -e "$RIG_FOLDER/stopped" ] || rm -rf "$RIG_FOLDER"
exit "$code"
"#;

/// The folder into which `ci/rigs/*` install.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default());
    env::var_os("LOGFLEET_CACHE").map_or_else(
        || {
            env::var_os("XDG_CACHE_HOME")
                .map_or_else(|| home().join(".cache"), PathBuf::from)
                .join("logfleet")
        },
        PathBuf::from,
    )
}

/// The path of something that `ci/rigs/<script> install` puts into the cache,
/// or none, visibly. In CI nothing may be absent.
pub fn installed(part: &str, script: &str) -> Option<PathBuf> {
    let path = cache().join(part);
    if path.exists() {
        return Some(path);
    }
    let message = format!(
        "{} is not there (run ci/rigs/{script} install)",
        path.display()
    );
    absent(script, &message);
    None
}

/// Says that something isn't there. In CI nothing may be absent.
pub fn absent(name: &str, message: &str) {
    assert!(
        env::var_os("CI").is_none_or(|value| value != "true"),
        "{message}"
    );
    // Not by `eprintln!`, which the test harness hides for tests that pass.
    writeln!(io::stderr(), "SKIPPED: {name}: {message}").expect("standard error is open");
}

/// A TCP port of this machine that nobody listens on. It is below those that
/// Linux gives to outgoing connections, which other tests have many of, and no
/// other call of this process gets it, so it is still free when the server starts.
pub fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 16_000;
    const COUNT: u16 = 16_000;
    let own = u16::try_from(std::process::id() % u32::from(COUNT)).expect("it is less");
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        assert!(tried < COUNT, "a loopback port is free");
        let port = FIRST + (own + tried) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// An empty folder for a server, readable by every user of this machine. It is removed when the server
/// ends, unless `LOGFLEET_KEEP_RIGS` is set.
pub fn folder(name: &str) -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix(&format!("logfleet-{name}-"))
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .expect("the temporary folder is writable");
    folder.keep()
}

/// Who runs a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Own,
    /// `nobody` where root runs the tests: Elasticsearch refuses to run as root.
    NotRoot,
}

/// Debian's and every other system's `nobody`.
const NOBODY: u32 = 65_534;

fn runs_as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Gives a folder and all in it to `nobody`.
fn give_away(path: &Path) -> io::Result<()> {
    chown(path, Some(NOBODY), Some(NOBODY))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path())?;
        }
    }
    Ok(())
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    name: String,
    supervisor: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a server. Its output goes to `log` in `folder`, its own folder
    /// made by [`folder`].
    pub fn start(name: &str, folder: &Path, user: User, command: &Command) -> Self {
        Self::supervise(name, folder, user, command, Stdio::null())
    }

    /// Starts a server that needs this one: it is stopped first, and this one
    /// when it has ended. For that, its supervisor and nobody else holds the
    /// pipe whose end means to this one's that it has to stop.
    pub fn start_above(
        &mut self,
        name: &str,
        folder: &Path,
        user: User,
        command: &Command,
    ) -> Self {
        let pipe = self.supervisor.stdin.take().expect("nobody else holds it");
        Self::supervise(name, folder, user, command, pipe.into())
    }

    fn supervise(name: &str, folder: &Path, user: User, command: &Command, held: Stdio) -> Self {
        let mut supervised = Command::new("sh");
        supervised
            .args(["-c", SUPERVISE, "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => supervised.env(key, value),
                None => supervised.env_remove(key),
            };
        }
        supervised.env("RIG_FOLDER", folder).current_dir(folder);
        if user == User::NotRoot && runs_as_root() {
            give_away(folder).expect("root may give files away");
            supervised.uid(NOBODY).gid(NOBODY);
        }
        let supervisor = supervised
            .stdin(Stdio::piped())
            .stdout(held)
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be started");
        Self {
            name: name.to_owned(),
            supervisor,
            log: folder.join("log"),
        }
    }

    /// Waits until `ready` holds. Panics with the end of the server's log if
    /// it never does.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) {
        let start = Instant::now();
        while !ready() {
            let ended = self
                .supervisor
                .try_wait()
                .expect("a child can be waited for");
            assert!(
                ended.is_none(),
                "{} ended with {ended:?}; the end of {}:\n{}",
                self.name,
                self.log.display(),
                self.end_of_log()
            );
            assert!(
                start.elapsed() < READY_WITHIN,
                "{} wasn't ready within {READY_WITHIN:?}:\n{}",
                self.name,
                self.end_of_log()
            );
            sleep(Duration::from_millis(200));
        }
        writeln!(
            io::stderr(),
            "{} was ready after {:.1?}",
            self.name,
            start.elapsed()
        )
        .expect("standard error is open");
    }

    fn end_of_log(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // That it ended already is no fault.
        let _ = self.supervisor.wait();
    }
}
