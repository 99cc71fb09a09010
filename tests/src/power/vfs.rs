//! Hears what SQLite asks of the disk.
//!
//! The operating-system layer of SQLite (its VFS "unix") stays in charge of everything: a copy of it
//! is registered as the default, in which opening and deleting tell [`super::tape`] afterwards. A
//! file of a folder that is being recorded gets a copy of its method table in which writing,
//! truncating, syncing and closing tell as well. All other files are left as the unix VFS made them.
//!
//! **Invariants**
//! 1. Nothing is told that did not succeed, and nothing is told before it happened.
//! 2. The order told is the order of the calls, for callers that take turns.
//! 3. Memory that SQLite shares between processes (`-shm`) is not heard: a power cut takes it all.
//!
//! Every `unsafe` here either calls a function of the unix VFS with the arguments that SQLite
//! passed, or follows a pointer that SQLite's documentation of `sqlite3_vfs` and
//! `sqlite3_io_methods` says is valid for that call.

#![expect(
    unsafe_code,
    reason = "SQLite's operating-system layer is a table of C functions"
)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use rusqlite::ffi::{
    SQLITE_CANTOPEN, SQLITE_ERROR, SQLITE_IOERR, SQLITE_OK, SQLITE_OPEN_CREATE,
    SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::tape;

/// What SQLite did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// Made it: there was no file of this name.
    Created,
    /// Opened it: it was there.
    Opened,
    /// Wrote bytes from this offset on.
    Wrote {
        /// In bytes from the start of the file.
        offset: u64,
        /// What was written.
        bytes: &'a [u8],
    },
    /// Cut it to this length in bytes.
    Truncated(u64),
    /// Synced its content.
    Synced,
    /// Removed its name.
    Deleted,
    /// Synced the folder it is in.
    FolderSynced,
}

/// The VFS that was the default before; set once, before ours is registered.
static UNIX: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// Makes the hearing VFS the default of this process. Connections opened from now on use it.
///
/// # Errors
/// SQLite's result code when it has no default VFS or does not take ours.
pub fn install() -> Result<(), c_int> {
    static DONE: OnceLock<c_int> = OnceLock::new();
    match *DONE.get_or_init(register) {
        SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

fn register() -> c_int {
    // SAFETY: a null name asks for the default VFS, which lives as long as the process.
    let unix = unsafe { sqlite3_vfs_find(ptr::null()) };
    if unix.is_null() {
        return SQLITE_ERROR;
    }
    UNIX.store(unix, Ordering::Release);
    // SAFETY: not null, and SQLite changes nothing in it but the list pointer, which is replaced.
    let mut own = unsafe { *unix };
    own.zName = c"manyi-hearing".as_ptr();
    own.pNext = ptr::null_mut();
    own.xOpen = Some(open);
    own.xDelete = Some(delete);
    // SAFETY: the structure is leaked, so it lives as long as the process, as SQLite asks.
    unsafe { sqlite3_vfs_register(Box::leak(Box::new(own)), 1) }
}

/// What a heard file's method pointer points to. C takes the first field for the whole.
#[repr(C)]
struct Heard {
    own: sqlite3_io_methods,
    unix: *const sqlite3_io_methods,
    path: PathBuf,
    /// `unixOpen` marks new journals and logs so that their first sync syncs the folder, too.
    folder_sync_due: AtomicBool,
}

impl Heard {
    /// The box behind an open file.
    ///
    /// # Safety
    /// `file` was opened by [`open`], got a `Heard`, and is not closed.
    unsafe fn of<'a>(file: *mut sqlite3_file) -> &'a Self {
        // SAFETY: by the caller's promise the pointer is the one that `open` put there.
        unsafe { &*(*file).pMethods.cast::<Self>() }
    }

    fn unix(&self) -> &sqlite3_io_methods {
        // SAFETY: the unix VFS's tables are constants of the program.
        unsafe { &*self.unix }
    }

    fn tell(&self, call: Call<'_>) {
        tape::hear(&self.path, call);
    }
}

/// The path in a C string of SQLite's; none for a temporary file, which has no name.
///
/// # Safety
/// `name` is null or ends with a zero byte and outlives the result.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: by the caller's promise.
    let bytes = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_bytes())?;
    Some(Path::new(OsStr::from_bytes(bytes)))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let unix = UNIX.load(Ordering::Acquire);
    // SAFETY: set before ours was registered, and lives as long as the process.
    let Some(unix_open) = (unsafe { (*unix).xOpen }) else {
        return SQLITE_CANTOPEN;
    };
    // SAFETY: SQLite passes null or a string that lives as long as the file is open.
    let heard = unsafe { path_of(name) }.filter(|path| tape::hears(path));
    let created = heard.is_some_and(|path| !path.exists());
    // SAFETY: SQLite's own arguments; `file` has the size that the unix VFS asks for.
    let code = unsafe { unix_open(unix, name, file, flags, out_flags) };
    let Some(path) = heard.filter(|_| code == SQLITE_OK) else {
        return code;
    };
    // SAFETY: after a successful open the file has a method table.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: as above; the table is a constant of the program.
    let mut own = unsafe { *methods };
    own.xClose = Some(close);
    own.xWrite = Some(write);
    own.xTruncate = Some(truncate);
    own.xSync = Some(sync);
    let logs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    let heard = Box::new(Heard {
        own,
        unix: methods,
        path: path.to_owned(),
        folder_sync_due: AtomicBool::new(flags & SQLITE_OPEN_CREATE != 0 && flags & logs != 0),
    });
    heard.tell(if created { Call::Created } else { Call::Opened });
    // SAFETY: `own` is the first field of a `repr(C)` structure; `close` frees the box.
    unsafe { (*file).pMethods = Box::into_raw(heard).cast() };
    SQLITE_OK
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: this function is only in tables that `open` made; nobody uses the file afterwards.
    let heard = unsafe { Box::from_raw((*file).pMethods.cast_mut().cast::<Heard>()) };
    // SAFETY: the unix VFS gets back the table that it set.
    unsafe { (*file).pMethods = heard.unix };
    match heard.unix().xClose {
        // SAFETY: SQLite's own argument.
        Some(unix_close) => unsafe { unix_close(file) },
        None => SQLITE_IOERR,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: this function is only in tables that `open` made.
    let heard = unsafe { Heard::of(file) };
    let Some(unix_write) = heard.unix().xWrite else {
        return SQLITE_IOERR;
    };
    // SAFETY: SQLite's own arguments.
    let code = unsafe { unix_write(file, data, amount, offset) };
    if let (SQLITE_OK, Ok(len), Ok(offset)) = (code, usize::try_from(amount), u64::try_from(offset))
    {
        // SAFETY: SQLite promises `amount` readable bytes for the time of the call.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
        heard.tell(Call::Wrote { offset, bytes });
    }
    code
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: this function is only in tables that `open` made.
    let heard = unsafe { Heard::of(file) };
    let Some(unix_truncate) = heard.unix().xTruncate else {
        return SQLITE_IOERR;
    };
    // SAFETY: SQLite's own arguments.
    let code = unsafe { unix_truncate(file, size) };
    if let (SQLITE_OK, Ok(size)) = (code, u64::try_from(size)) {
        heard.tell(Call::Truncated(size));
    }
    code
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: this function is only in tables that `open` made.
    let heard = unsafe { Heard::of(file) };
    let Some(unix_sync) = heard.unix().xSync else {
        return SQLITE_IOERR;
    };
    // SAFETY: SQLite's own arguments.
    let code = unsafe { unix_sync(file, flags) };
    if code == SQLITE_OK {
        heard.tell(Call::Synced);
        if heard.folder_sync_due.swap(false, Ordering::Relaxed) {
            heard.tell(Call::FolderSynced);
        }
    }
    code
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let unix = UNIX.load(Ordering::Acquire);
    // SAFETY: set before ours was registered, and lives as long as the process.
    let Some(unix_delete) = (unsafe { (*unix).xDelete }) else {
        return SQLITE_IOERR;
    };
    // SAFETY: SQLite's own arguments.
    let code = unsafe { unix_delete(unix, name, sync_folder) };
    // SAFETY: SQLite passes a string that lives for the time of the call.
    let path = unsafe { path_of(name) }.filter(|path| code == SQLITE_OK && tape::hears(path));
    if let Some(path) = path {
        tape::hear(path, Call::Deleted);
        if sync_folder != 0 {
            tape::hear(path, Call::FolderSynced);
        }
    }
    code
}
