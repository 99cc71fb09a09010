//! Databases of a real PostgreSQL server for tests.
//!
//! One server serves a whole test run. `MANYI_TEST_POSTGRES` says where it is; else the first test
//! that wants one starts it with `tests/postgres`, and it stops when whoever runs the tests (the
//! parent of this process) ends, however that ends. Each test has a database of its own, a copy of
//! one with the schema in it, which goes away with [`TestDatabase`].

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use manyi_collector::config::{DatabaseAddress, PostgresSettings};
use manyi_collector::store::Database;
use postgres::{Client, NoTls};

/// A database with the schema in it, of this test alone.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    pub(crate) fn new() -> Self {
        Self::copy_of(TEMPLATE)
    }

    /// Without schema.
    pub(crate) fn empty() -> Self {
        Self::copy_of("template1")
    }

    fn copy_of(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            server: server().to_owned(),
            name: format!("test_{}_{count}", std::process::id()),
        };
        let sql = format!("CREATE DATABASE {} TEMPLATE {template}", database.name);
        execute(&database.server, &sql).expect("a database");
        database
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        on(&self.server, &self.name)
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        settings(&self.address())
    }

    /// A client of its own, outside of any runtime.
    pub(crate) fn look<T: Send>(&self, look: impl FnOnce(&mut Client) -> T + Send) -> T {
        with_client(&self.address(), look)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // The server may have been stopped by the test; the database goes with it.
        drop(execute(&self.server, &sql));
    }
}

/// A server of this test alone, which it may crash.
#[derive(Debug)]
pub(crate) struct Server {
    dir: PathBuf,
    address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let dir = fresh_dir("own");
        let address = start(&dir, std::process::id());
        Self { dir, address }
    }

    /// The address of a database in it, which is made empty.
    pub(crate) fn database(&self, name: &str) -> String {
        execute(&self.address, &format!("CREATE DATABASE {name}")).expect("a database");
        on(&self.address, name)
    }

    /// As a power cut would, but for the disk.
    pub(crate) fn crash(&self) {
        script(&["crash"], &self.dir);
    }

    pub(crate) fn start_again(&self) {
        script(&["start-again"], &self.dir);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script(&["stop"], &self.dir);
    }
}

pub(crate) fn settings(address: &str) -> PostgresSettings {
    let address: DatabaseAddress = address.parse().expect("an address");
    PostgresSettings::of(address).expect("a server's")
}

/// Lets `look` use a connection, on a thread of its own: the client has a runtime inside.
pub(crate) fn with_client<T: Send>(address: &str, look: impl FnOnce(&mut Client) -> T + Send) -> T {
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut client = Client::connect(address, NoTls).expect("connects");
            look(&mut client)
        });
        looking.join().expect("no panic")
    })
}

fn execute(server: &str, sql: &str) -> Result<(), String> {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            let mut client = Client::connect(server, NoTls).map_err(|e| format!("{e:?}"))?;
            client.batch_execute(sql).map_err(|e| format!("{e:?}"))
        });
        done.join().expect("no panic")
    })
}

/// The same server's database of another name.
fn on(server: &str, name: &str) -> String {
    let (head, _) = server.rsplit_once('/').expect("a path");
    format!("{head}/{name}")
}

const TEMPLATE: &str = "manyi_template";

/// The server of this run, with the template in it.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let given = std::env::var("MANYI_TEST_POSTGRES").ok();
        let runner = std::os::unix::process::parent_id();
        // Tests are processes of their own: one of them starts the server, the others wait here.
        let note = std::env::temp_dir().join(format!("manyi-tests-of-{runner}"));
        let lock = File::create(note.with_extension("lock")).expect("a file");
        lock.lock().expect("locked");
        let server = given.unwrap_or_else(|| lazily(&note, runner));
        make_template(&server);
        server
    })
}

/// The server that an earlier test of this run has started, or a new one.
fn lazily(note: &Path, runner: u32) -> String {
    let known = std::fs::read_to_string(note).unwrap_or_default();
    if let Some((dir, address)) = known.trim().split_once(' ')
        && UnixStream::connect(Path::new(dir).join(".s.PGSQL.5432")).is_ok()
    {
        return address.to_owned();
    }
    let dir = fresh_dir("run");
    let address = start(&dir, runner);
    std::fs::write(note, format!("{} {address}", dir.display())).expect("written");
    address
}

/// Short: a socket's path has at most 107 bytes.
fn fresh_dir(what: &str) -> PathBuf {
    let mut random = [0; 6];
    getrandom::fill(&mut random).expect("randomness");
    let name = random.map(|byte| format!("{byte:02x}")).concat();
    std::env::temp_dir().join(format!("manyi-{what}-{name}"))
}

fn start(dir: &Path, watched: u32) -> String {
    script(&["start", "--while", &watched.to_string()], dir)
        .trim()
        .to_owned()
}

fn script(words: &[&str], dir: &Path) -> String {
    let (what, rest) = words.split_first().expect("a word");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/postgres");
    let output = Command::new("sh")
        .arg(script)
        .arg(what)
        .arg(dir)
        .args(rest)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("sh");
    assert!(output.status.success(), "tests/postgres {what} failed");
    String::from_utf8(output.stdout).expect("text")
}

/// Made under another name first: one that is there is whole.
fn make_template(server: &str) {
    let there = with_client(server, |client| {
        let sql = "SELECT 1 FROM pg_database WHERE datname = $1";
        client
            .query_opt(sql, &[&TEMPLATE])
            .expect("reads")
            .is_some()
    });
    if there {
        return;
    }
    let making = format!("{TEMPLATE}_in_making");
    execute(
        server,
        &format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)"),
    )
    .expect("gone");
    execute(server, &format!("CREATE DATABASE {making}")).expect("made");
    drop(Database::create_postgres(&settings(&on(server, &making))).expect("a schema"));
    let rename = format!("ALTER DATABASE {making} RENAME TO {TEMPLATE}");
    execute(server, &rename).expect("renamed");
}
