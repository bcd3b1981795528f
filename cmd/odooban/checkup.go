package main

import (
	"context"
	"time"

	"odooban/internal/config"
	"odooban/internal/doctor"
	"odooban/internal/engine"
)

const (
	// checkUpEvery is how often the daemon looks for what it does not notice line
	// by line.
	checkUpEvery = 5 * time.Minute
	// checkUpDepth is how many bytes of each log's end it reads for that.
	checkUpDepth = 256 << 10
)

// checkUp raises an alarm for each finding of doctor's regular checks, at once
// and every few minutes until ctx ends.
func (d *daemon) checkUp(ctx context.Context, c *config.Config, p *pipeline) error {
	env := environment(ctx, c, d.files)
	env.Depth, env.Daemon, env.Rules = checkUpDepth, d.state, p.set
	tick := time.NewTicker(checkUpEvery)
	defer tick.Stop()
	for {
		report := doctor.Examine(ctx, env, doctor.Regular())
		if ctx.Err() != nil {
			return nil
		}
		var found []engine.Alarm
		for _, f := range report.Findings {
			a := engine.Alarm{Code: f.Code, Source: f.About, Text: f.Title + ": " + f.Evidence, Cure: f.Cure}
			p.engine.Raise(a)
			found = append(found, a)
		}
		p.engine.Conclude(doctor.Concludes(report), found)
		p.engine.CheckAlarms(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// state is what the daemon says about itself, to its own checks.
func (d *daemon) state(context.Context) (doctor.State, error) {
	s := doctor.State{Started: d.opened, Healthy: true, Backend: d.firewall.Name()}
	var err error
	if d.journal != nil {
		s.Bans, err = d.journal.Bans(time.Now())
	}
	return s, err
}
