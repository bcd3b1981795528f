// Package replay runs an engine over old logs and reports what it would have
// done. It touches nothing but the files it reads.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"odooban/internal/engine"
	"odooban/internal/jail"
	"odooban/rules"
)

// Run replays logs as one history: their failures are taken in the order of
// time, however the logs are named or given, so that rotated pieces of a log
// fit together. each is called for every failure in that order, and may be nil; for
// what is not counted, too, which has a Reason then.
// An error names each log that could not be read to its end; what could be read
// is in the Report.
func Run(
	ctx context.Context, logs []*Log, set *rules.Set, j *jail.Jail, each func(rules.Rejection) error,
) (*Report, error) {
	report := newReport(j, each)
	e := engine.New(j, report, report)
	tracks := join(logs)
	for log, found := range merge(ctx, set, tracks, each != nil) {
		report.reject(found.rejected)
		e.Observe(ctx, log.Name(), found.failures, time.Time{})
		report.tellRejected(report.pending)
		if report.err != nil {
			return report, report.err
		}
	}
	for _, log := range logs {
		report.add(log)
	}
	for _, t := range tracks {
		report.addRejected(t.stats)
	}
	report.finish()
	return report, unread(ctx, logs)
}

// unread returns why logs could not be read to their ends.
func unread(ctx context.Context, logs []*Log) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("replay logs: stopped before their end: %w", err)
	}
	var errs []error
	for _, log := range logs {
		errs = append(errs, log.err) // it names the log
	}
	return errors.Join(errs...)
}
