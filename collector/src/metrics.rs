//! Figures about the collector itself, for Prometheus.

use std::sync::OnceLock;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Exchanges by what became of them.
pub const EXCHANGES: &str = "manyi_exchanges_total";
/// Exchanges that were turned away before they were looked at, by reason.
pub const TURNED_AWAY: &str = "manyi_exchanges_turned_away_total";
/// Exchanges whose bodies have arrived and that wait for a slot.
pub const EXCHANGES_WAITING: &str = "manyi_exchanges_waiting";
/// Bytes of bodies of exchanges that are in memory.
pub const EXCHANGE_BODY_BYTES: &str = "manyi_exchange_body_bytes";
/// Exchanges a second that can be worked off, as last measured while there was a line.
pub const EXCHANGE_CAPACITY: &str = "manyi_exchange_capacity";
/// How long exchanges wait for a slot.
pub const EXCHANGE_WAIT_SECONDS: &str = "manyi_exchange_wait_seconds";
/// Records by verdict.
pub const RECORDS: &str = "manyi_records_total";
/// Dead letters by reason.
pub const DEAD_LETTERS: &str = "manyi_dead_letters_total";
/// Second histories kept.
pub const CONFLICTS: &str = "manyi_conflicts_total";
/// Incidents by kind.
pub const INCIDENTS: &str = "manyi_incidents_total";
/// Enrolments by what became of them.
pub const ENROLMENTS: &str = "manyi_enrolments_total";
/// What the office should look at, by cause.
pub const ALARMS: &str = "manyi_alarms";
/// From the request's last byte to the durable answer.
pub const INGEST_SECONDS: &str = "manyi_ingest_seconds";

/// Buckets from one fast commit on a good disk (0.1 ms) to the database's busy time-out (5 s).
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Starts counting, once a process; later calls give the same handle.
pub fn install() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(start).clone()
}

fn start() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    // Refused for an empty list only.
    let builder = builder
        .set_buckets(SECONDS)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder was installed first; /metrics stays empty");
    }
    describe_counter!(EXCHANGES, "Exchanges by result");
    describe_counter!(TURNED_AWAY, "Exchanges told to come back, by reason");
    describe_gauge!(EXCHANGES_WAITING, "Exchanges that wait for a slot");
    describe_gauge!(EXCHANGE_BODY_BYTES, "Bytes of exchanges in memory");
    describe_gauge!(EXCHANGE_CAPACITY, "Exchanges a second, measured under load");
    describe_histogram!(EXCHANGE_WAIT_SECONDS, "Time that exchanges wait for a slot");
    describe_counter!(RECORDS, "Records by verdict");
    describe_counter!(DEAD_LETTERS, "Records kept but not counted, by reason");
    describe_counter!(CONFLICTS, "Records kept as a second history");
    describe_counter!(INCIDENTS, "Incidents by kind, each when it was first told");
    describe_counter!(ENROLMENTS, "Enrolment requests by result");
    describe_gauge!(ALARMS, "Terminals that the office should look at, by cause");
    describe_histogram!(INGEST_SECONDS, "Time from request to durable answer");
    handle
}
