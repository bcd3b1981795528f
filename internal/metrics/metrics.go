// Package metrics says in Prometheus' format what the daemon does.
//
// It promises that metrics cost nothing until somebody asks: they are read
// from the daemon's parts at each scrape, never counted on the side. And that
// their number does not grow with an attack: no address, login or database is
// a label, only sources, rules and the codes of alarms, which the
// configuration bounds.
//
// docs/metrics.md lists them. It is the only package, beside the one that
// starts it, that knows Prometheus.
package metrics

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"odooban/banner"
	"odooban/internal/engine"
	"odooban/internal/finding"
)

// Parts are what metrics are read from. All but Journal must be set.
type Parts struct {
	Engine interface{ Status() engine.Status }
	// Firewall says what is in force. Only Dropped asks the kernel.
	Firewall interface {
		Status() banner.KeeperStatus
		Dropped(ctx context.Context) (uint64, error)
	}
	// Journal says why the journal cannot be written, if so; nil where there is
	// no journal.
	Journal func() error
	// Alarms returns those that Engine does not know.
	Alarms func() []engine.Alarm
	// Healthy says whether the daemon protects.
	Healthy func() bool
	// Version is odooban's.
	Version string
}

// askTime bounds how long the parts may take to answer a scrape.
const askTime = 5 * time.Second

// Handler answers scrapes. Everything in it is its own: it has nothing to do
// with the registry that is global in Prometheus' library.
func Handler(parts Parts) http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(
		collector{parts},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		// What could not be had is left out, and the rest is told.
		ErrorHandling: promhttp.ContinueOnError,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	return mux
}

// collector reads the parts at each scrape. It implements prometheus.Collector.
type collector struct{ Parts }

// Describe names all metrics.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range all {
		ch <- m.desc
	}
}

// Collect reads all metrics.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	buildInfo.tell(ch, 1, c.Version, runtime.Version())
	healthy.tell(ch, truth(c.Healthy()))
	if c.Journal != nil {
		journalUp.tell(ch, truth(c.Journal() == nil))
	}
	status := c.Engine.Status()
	for _, s := range status.Sources {
		collectSource(ch, s, status.Jails)
	}
	for _, j := range status.Jails {
		windowKeys.tell(ch, float64(j.Keys), j.Rule)
		forgotten.tell(ch, float64(j.Forgotten), j.Rule)
	}
	refused.tell(ch, float64(status.Refused))
	collectAlarms(ch, status.Met, c.Alarms())
	c.collectFirewall(ctx, ch)
}

// collectSource tells what has come from one source. Every jail is told of, so
// that its first failure is an increase.
func collectSource(ch chan<- prometheus.Metric, s engine.SourceStatus, jails []engine.JailStatus) {
	sourceUp.tell(ch, truth(s.Trouble == ""), s.Name)
	if s.Rules == nil {
		return // nothing of it could be followed yet
	}
	lines.tell(ch, float64(s.Lines), s.Name)
	unattributed.tell(ch, float64(s.Unattributed), s.Name)
	unknown.tell(ch, float64(s.Unknown), s.Name)
	for _, j := range jails {
		tally := s.Rules[j.Rule]
		failures.tell(ch, float64(tally.Failures), s.Name, j.Rule)
		bans.tell(ch, float64(tally.Bans), s.Name, j.Rule)
	}
	// A log that is silent from the start is silent since then.
	lastLine.tell(ch, seconds(cmp.Or(s.LastLine, s.Began)), s.Name)
	if !s.LastRecord.IsZero() {
		lag.tell(ch, s.LastLine.Sub(s.LastRecord).Seconds(), s.Name)
	}
}

// collectAlarms tells how often each alarm was met: by the engine, and more that it
// does not know. Each that there is is told of, so that the first is an increase.
func collectAlarms(ch chan<- prometheus.Metric, met map[string]uint64, more []engine.Alarm) {
	counts := make(map[string]uint64)
	for _, kind := range finding.Kinds() {
		counts[kind.Code] = met[kind.Code]
	}
	for _, a := range more {
		counts[a.Code] += a.Count
	}
	for code, n := range counts {
		alarms.tell(ch, float64(n), code)
	}
}

// collectFirewall tells what is in force. What the kernel does not tell is
// left out.
func (c collector) collectFirewall(ctx context.Context, ch chan<- prometheus.Metric) {
	s := c.Firewall.Status()
	firewallUp.tell(ch, truth(s.Err == nil), s.Backend)
	bansInForce.tell(ch, float64(s.Bans))
	mends.tell(ch, float64(s.Mends))
	if n, err := c.Firewall.Dropped(ctx); err == nil {
		dropped.tell(ch, float64(n))
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// seconds is t as Prometheus has times.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
