package main

import (
	"context"
	"slices"

	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/metrics"
)

// serveMetrics tells Prometheus what an engine and all around it do, if c says
// where, until ctx ends.
func (d *daemon) serveMetrics(ctx context.Context, c config.Metrics, e *engine.Engine) {
	if c.Listen == "" {
		return
	}
	parts := metrics.Parts{
		Engine: e, Firewall: d.firewall, Version: version,
		Healthy: func(ctx context.Context) bool { return d.protects(ctx, e) },
	}
	if d.journal != nil {
		parts.Journal = d.journal.Outage
	}
	d.log.say("serving metrics at " + c.Listen)
	metrics.Serve(ctx, c.Listen, metrics.Handler(parts), d.log.warn)
}

// protects says whether the firewall is in force and a source is followed.
func (d *daemon) protects(ctx context.Context, e *engine.Engine) bool {
	firewall, err := d.firewall.Status(ctx)
	readable := func(s engine.SourceStatus) bool { return s.Trouble == "" }
	return err == nil && firewall.Last.Err == nil && slices.ContainsFunc(e.Status().Sources, readable)
}
