package main

import (
	"context"

	"odooban/internal/config"
	"odooban/internal/control"
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
	d.log.say("serving metrics at " + c.Listen)
	metrics.Serve(ctx, c.Listen, metrics.Handler(parts), d.log.warn)
}
