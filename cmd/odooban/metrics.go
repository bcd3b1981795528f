package main

import (
	"context"

	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/metrics"
)

// serveMetrics tells Prometheus what desk tells administrators, if c says where,
// until ctx ends.
func (d *daemon) serveMetrics(ctx context.Context, c config.Metrics, desk *control.Desk) {
	if c.Listen == "" {
		return
	}
	parts := metrics.Parts{
		Engine: desk.Engine, Firewall: desk.Firewall, Version: desk.Version, Healthy: desk.Healthy,
		Alarms: d.log.happened,
	}
	if desk.Journal != nil {
		parts.Journal = desk.Journal.Outage
	}
	metrics.Serve(ctx, c.Listen, metrics.Handler(parts), func(err error) {
		if err != nil {
			d.log.raise(engine.Alarm{Code: finding.MetricsDown, Text: err.Error()})
			return
		}
		d.log.say("serving metrics at " + c.Listen)
		d.log.over(finding.MetricsDown, "metrics are served")
	})
}
