// Package replay runs an engine over old logs and reports what it would have
// done. It touches nothing but the files it reads.
package replay

import (
	"context"
	"fmt"
	"iter"
	"time"

	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/rules"
)

// Run replays logs as one history: their failures are taken in the order of
// time, however the logs are named or given, so that rotated pieces of a log
// fit together. An error names the log that could not be read to its end; what
// could be read is in the Report.
// each is called for every failure in that order, and may be nil.
func Run(
	ctx context.Context, logs []*Log, set *rules.Set, j *jail.Jail, each func(rules.Failure) error,
) (*Report, error) {
	report := newReport(j, each)
	e := engine.New(j, report, report)
	tracks := make([]*track, len(logs))
	for i, log := range logs {
		tracks[i] = &track{log: log, failures: log.failures(ctx, set)}
	}
	for log, f := range merge(ctx, tracks) {
		e.Observe(ctx, log.Name(), []rules.Failure{f}, time.Time{})
		if report.err != nil {
			return report, report.err
		}
	}
	for _, log := range logs {
		report.add(log)
	}
	report.finish()
	return report, firstError(ctx, logs)
}

// firstError returns why a log could not be read to its end.
func firstError(ctx context.Context, logs []*Log) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, log := range logs {
		if log.err != nil {
			return fmt.Errorf("replay %s: %w", log.Name(), log.err)
		}
	}
	return nil
}

// track is a log that is being merged.
type track struct {
	log      *Log
	failures iter.Seq[rules.Failure]
	next     func() (rules.Failure, bool)
	stop     func()
	head     rules.Failure
}
