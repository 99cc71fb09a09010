# shellcheck shell=sh
# shellcheck disable=SC2154  # `pids_file` is from whoever sources this
# Starting, watching and stopping programs so that none is left behind.
#
# Each program leads a session, and so a process group, of its own: it does not hear the Ctrl-C that
# is meant for the script, and stopping it stops its children. What was started is written to
# `pids_file` with the time the kernel started it, so that a number given to another process later
# is never signalled.

# When the kernel started a process, in clock ticks since boot; nothing if it is gone or a zombie.
started_at() {
    # The name in brackets may hold blanks, so count from behind it.
    awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$1/stat" 2>/dev/null
}

# remember PID NAME
remember() {
    printf '%s %s %s\n' "$1" "$(started_at "$1")" "$2" >>"$pids_file"
}

# start NAME LOG COMMAND...: in the background, all output in LOG. Sets started.
start() {
    start_name=$1
    start_log=$2
    shift 2
    setsid "$@" </dev/null >"$start_log" 2>&1 &
    started=$!
    remember "$started" "$start_name"
}

# attended NAME COMMAND...: runs it to its end with output on the screen; its status is ours.
# Waiting, unlike running in the foreground, lets a signal to the script take effect at once.
attended() {
    attended_name=$1
    shift
    setsid "$@" </dev/null &
    attended_pid=$!
    remember "$attended_pid" "$attended_name"
    wait "$attended_pid"
}

alive() {
    [ -n "$(started_at "$1")" ]
}

# stop_one PID TICKS: asks, waits five seconds, then ends the whole group.
stop_one() {
    if [ -n "$2" ] && [ "$(started_at "$1")" = "$2" ]; then
        kill -s TERM -- "-$1" 2>/dev/null
        tries=50
        while [ "$tries" -gt 0 ] && [ "$(started_at "$1")" = "$2" ]; do
            sleep 0.1
            tries=$((tries - 1))
        done
        kill -s KILL -- "-$1" 2>/dev/null
    fi
    return 0
}

# Stops everything in pids_file, last started first.
stop_recorded() {
    if [ ! -s "$pids_file" ]; then
        say "Nothing to stop: no demo was left running here."
        return 0
    fi
    stop_all
    say "Stopped."
}

stop_all() {
    [ -s "$pids_file" ] || return 0
    # The list is taken first: stopping must not race with reading.
    list=$(sed -n '1!G;h;$p' "$pids_file")
    while read -r pid ticks _name; do
        stop_one "$pid" "$ticks"
    done <<LIST
$list
LIST
    rm -f -- "$pids_file"
}

anything_recorded_runs() {
    [ -s "$pids_file" ] || return 1
    while read -r pid ticks _name; do
        if [ -n "$ticks" ] && [ "$(started_at "$pid")" = "$ticks" ]; then
            return 0
        fi
    done <"$pids_file"
    return 1
}

# Succeeds when some process listens on this TCP port, IPv4 or IPv6.
port_in_use() {
    hex=$(printf '%04X' "$1")
    # State 0A is LISTEN.
    grep -qE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Prints the first port from this one on that nobody listens on.
free_port_from() {
    candidate=$1
    while port_in_use "$candidate"; do
        candidate=$((candidate + 1))
    done
    printf '%s\n' "$candidate"
}

# wait_until SECONDS PID COMMAND...: until COMMAND succeeds; fails when time is up or PID has ended.
wait_until() {
    left=$(($1 * 5))
    watched=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ "$left" -le 0 ] || ! alive "$watched"; then
            return 1
        fi
        sleep 0.2
    done
}
