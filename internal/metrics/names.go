package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one of those that odooban has. A counter begins anew when odooban
// starts or reads its configuration again; that of dropped packets is the kernel's,
// and begins anew with the rules.
type metric struct {
	name, help string
	labels     []string
	kind       prometheus.ValueType
	desc       *prometheus.Desc
}

func counter(name, help string, labels ...string) *metric {
	return &metric{name, help, labels, prometheus.CounterValue, prometheus.NewDesc(name, help, labels, nil)}
}

func gauge(name, help string, labels ...string) *metric {
	return &metric{name, help, labels, prometheus.GaugeValue, prometheus.NewDesc(name, help, labels, nil)}
}

// tell tells a value. A label may be the name of a file, which need not be UTF-8.
func (m *metric) tell(ch chan<- prometheus.Metric, value float64, labels ...string) {
	for i, label := range labels {
		labels[i] = strings.ToValidUTF8(label, "\ufffd")
	}
	metric, err := prometheus.NewConstMetric(m.desc, m.kind, value, labels...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(m.desc, err)
	}
	ch <- metric
}

var (
	buildInfo = gauge("odooban_build_info", "Always 1; the labels say which odooban this is.", "version", "goversion")
	healthy   = gauge("odooban_healthy",
		"Whether odooban protects: 1 if the firewall is in force and a source is followed.")

	lines    = counter("odooban_lines_total", "Lines read.", "source")
	failures = counter("odooban_failures_total",
		"Failed attempts found, whether they counted or not.", "source", "rule")
	bans         = counter("odooban_bans_total", "Bans that failed attempts led to.", "source", "rule")
	unattributed = counter("odooban_unattributed_failures_total",
		"Failed attempts that were not counted because the log does not tell whose they are.", "source")
	unknown = counter("odooban_unknown_format_total", "Records of Odoo's login code that no rule understands.", "source")

	sourceUp = gauge("odooban_source_up", "Whether a source can be read: 1 if it can.", "source")
	lastLine = gauge("odooban_source_last_line_timestamp_seconds",
		"When the last line was read, or, before the first, following began.", "source")
	lag = gauge("odooban_source_lag_seconds", "How long after its own time the last record was read.", "source")

	windowKeys = gauge("odooban_window_keys",
		"Addresses and networks whose failed attempts are kept: those that may still count, and some that no longer do.",
		"rule")
	forgotten = counter("odooban_window_keys_forgotten_total",
		"Addresses and networks that were forgotten, though they might still have counted, as there were too many.", "rule")
	alarms = counter("odooban_alarms_total",
		"How often something was met that may keep odooban from protecting.", "code")

	firewallUp  = gauge("odooban_firewall_up", "Whether the firewall is in force: 1 if it is.", "backend")
	bansInForce = gauge("odooban_bans_in_force", "Bans that are due now, with those that the firewall has refused.")
	refused     = gauge("odooban_bans_refused", "Bans that the firewall has refused and that are tried again.")
	dropped     = counter("odooban_dropped_packets_total",
		"Packets of banned addresses that were dropped since the rules were made.")
	mends = counter("odooban_firewall_mends_total",
		"How often rules or bans were found missing, or otherwise, and put right.")
	journalUp = gauge("odooban_journal_up", "Whether the journal is written: 1 if it is.")
)

// all are the metrics above.
var all = []*metric{
	buildInfo, healthy, lines, failures, bans, unattributed, unknown, sourceUp, lastLine, lag, windowKeys, forgotten,
	alarms, firewallUp, bansInForce, refused, dropped, mends, journalUp,
}
