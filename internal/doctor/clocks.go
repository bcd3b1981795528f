package doctor

import (
	"fmt"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/engine"
	"odooban/internal/finding"
)

const (
	// widestZone is how far a time zone can be from UTC, and zoneStep how exact.
	widestZone = 14 * time.Hour
	zoneStep   = 15 * time.Minute
	// stillWritten is how long ago a log may have been written to. An older one may
	// be a copy.
	stillWritten = time.Hour
)

// checkClocks compares the time of a log's last record with the moment at which
// it was written.
func checkClocks(x *facts, r *checkup.Report) {
	for _, s := range x.logs {
		// What stands behind the last record may have come much later.
		if !s.last || x.now.Sub(s.written) > stillWritten || s.newest.IsZero() {
			continue
		}
		ahead := s.newest.Sub(s.written)
		if ahead.Abs() <= engine.ClockTolerance {
			continue
		}
		seen := fmt.Sprintf("the last record says %s and was written at %s",
			s.newest.UTC().Format(time.RFC3339), s.written.UTC().Format(time.RFC3339))
		if isZone(ahead) {
			r.Find(finding.TimeZone, s.name, fmt.Sprintf("%s: %s off", seen, ahead.Round(zoneStep)), "")
			continue
		}
		r.Find(finding.ClockDiffers, s.name, seen, "")
	}
}

// isZone reports whether a difference is that of a time zone.
func isZone(d time.Duration) bool {
	off := d.Round(zoneStep)
	return off != 0 && off.Abs() <= widestZone && (d-off).Abs() <= engine.ClockTolerance
}
