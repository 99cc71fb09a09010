# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the package lists are for, and `root` is from, whoever sources this
# What this machine needs before anything can be built: Debian packages and a Rust toolchain.
# Sourced by deploy/demo and tests/run, which set `root` to the checkout.
#
# Nothing is downloaded but Debian packages and crates, by apt-get and cargo. Every function either
# does its job or ends the script with status 2 and the command a person can run instead.

rust_wanted=1.95

# To build: a linker, and what Slint's device backend, font lookup and the voice link against.
packages_build='gcc libc6-dev pkg-config libfontconfig-dev libudev-dev libinput-dev libxkbcommon-dev libasound2-dev'
# To open a window: libraries that the program loads when it starts, which no linker asks for.
packages_window='libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0'
# To fetch crates, to talk to what was started, and to make the voice's clips.
packages_tools='ca-certificates curl espeak-ng'

say() {
    printf '%s\n' "$*"
}

# A new part of the work, set off so that progress can be followed.
step() {
    printf '\n== %s\n' "$*"
}

complain() {
    printf '%s\n' "$*" >&2
}

# Prints those of the given Debian packages that are not installed.
missing_packages() {
    # One query for all: a second run must not wait. Unknown names are reported on stderr.
    # shellcheck disable=SC2016  # the format is dpkg-query's
    here=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        case "
$here
" in
        *"
$package installed
"*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# install_packages PACKAGE...: installs what is missing of them.
install_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        complain "This is not Debian, so nothing can be installed for you. Needed are the packages that Debian calls:"
        complain "    $*"
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=''
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        # Everything at once, so that nobody has to come back for Rust.
        cargo_works || missing="${missing}cargo-web rustc-web"
        complain "These packages are missing and this user may not install them. Run as root, then start again:"
        complain "    apt-get update && apt-get install --no-install-recommends $missing"
        exit 2
    fi
    step "installing Debian packages: $missing"
    # shellcheck disable=SC2086  # lists of words
    {
        $as_root apt-get update -qq </dev/null || complain "apt-get update failed; trying with the lists that are here"
        if ! $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends $missing </dev/null; then
            complain "The packages could not be installed. Run as root, then start again:"
            complain "    apt-get update && apt-get install --no-install-recommends $missing"
            exit 2
        fi
    }
}

# rust_is_new_enough VERSION
rust_is_new_enough() {
    [ "$(printf '%s\n%s\n' "$rust_wanted" "$1" | sort -V | head -n 1)" = "$rust_wanted" ]
}

# Succeeds when `cargo` in the checkout is new enough; sets rust_version.
cargo_works() {
    rust_version=$(cd "$root" && cargo --version 2>/dev/null </dev/null | cut -d ' ' -f 2)
    [ -n "$rust_version" ] && rust_is_new_enough "$rust_version"
}

# Makes `cargo` a Rust of at least rust_wanted, installing Debian's if need be.
need_rust() {
    if [ -x "${HOME:-/root}/.cargo/bin/cargo" ] && ! command -v cargo >/dev/null 2>&1; then
        PATH="${HOME:-/root}/.cargo/bin:$PATH"
    fi
    ! cargo_works || return 0
    # rustup without the pinned toolchain, but with another stable one that will do.
    if command -v rustup >/dev/null 2>&1; then
        for toolchain in $(rustup toolchain list 2>/dev/null | cut -d ' ' -f 1); do
            case $toolchain in nightly* | beta*) continue ;; esac
            RUSTUP_TOOLCHAIN=$toolchain
            export RUSTUP_TOOLCHAIN
            if cargo_works; then
                say "The pinned Rust toolchain is not installed; using rustup's $toolchain ($rust_version)."
                return 0
            fi
        done
        unset RUSTUP_TOOLCHAIN
    fi
    # Debian 12 itself has Rust 1.63; its security archive carries a current one for browsers.
    if command -v apt-cache >/dev/null 2>&1; then
        candidate=$(debian_rust)
        if [ -z "$candidate" ]; then
            if [ "$(id -u)" = 0 ]; then
                apt-get update -qq || true
            elif sudo -n true 2>/dev/null; then
                sudo -n apt-get update -qq || true
            fi
            candidate=$(debian_rust)
        fi
        if [ -n "$candidate" ] && rust_is_new_enough "$candidate"; then
            say "No Rust $rust_wanted or newer here; taking Debian's own cargo-web and rustc-web ($candidate)."
            install_packages cargo-web rustc-web
            PATH="/usr/bin:$PATH"
            ! cargo_works || return 0
        fi
    fi
    complain "Rust $rust_wanted or newer is needed. On Debian 12 with its security archive enabled, run as root:"
    complain "    apt-get update && apt-get install cargo-web rustc-web"
    complain "Elsewhere install it the way your system does (rustup: rustup toolchain install 1.95.0)."
    exit 2
}

# The upstream version of Debian's cargo-web that can be installed, or nothing.
debian_rust() {
    apt-cache policy cargo-web 2>/dev/null |
        sed -n 's/^ *Candidate: *\([0-9][0-9.]*\).*/\1/p'
}

# Prints the folder of built programs for a profile (debug, release).
bin_dir() {
    target=$(cd "$root" && cargo metadata --format-version 1 --no-deps --locked --offline 2>/dev/null |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    printf '%s/%s\n' "${target:-$root/target}" "$1"
}
