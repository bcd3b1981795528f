package odoosim

import (
	"time"

	"odooban/rules"
)

// scanner judges by rules.Scanner.
type scanner struct {
	*rules.Scanner
	failures   []rules.Failure
	rejections []Rejection
}

// NewJudge judges by all of the built-in rules.
func NewJudge() Judge { return NewJudgeWithout("") }

// Checks lists the checks that NewJudgeWithout can switch off.
func Checks() []string {
	var checks []string
	for _, r := range rules.Reasons() {
		checks = append(checks, string(r.Reason))
	}
	return checks
}

// NewJudgeWithout judges without one check; an empty name switches none off.
func NewJudgeWithout(check string) Judge {
	set, err := rules.Compile(rules.BuiltIn(), nil)
	if err != nil {
		panic(err) // the built-in rules are ours
	}
	s := set.NewScanner(Epoch().Add(24 * time.Hour))
	if check != "" {
		s.Without(map[rules.Reason]bool{rules.Reason(check): true})
	}
	return &scanner{Scanner: s}
}

func (s *scanner) Feed(dst []Failure, line Line) []Failure {
	s.failures = s.Scanner.Feed(s.failures[:0], rules.Line{
		Text: line.Text, Seen: line.Seen, Stamp: line.Stamp, Found: line.Found, Continues: line.Continues, Size: line.Size,
		Place: rules.Place{Generation: "log", Offset: line.Offset},
	})
	return s.take(dst)
}

func (s *scanner) Settle(dst []Failure, now time.Time) []Failure {
	s.failures = s.Scanner.Settle(s.failures[:0], now)
	return s.take(dst)
}

func (s *scanner) Flush(dst []Failure) []Failure {
	s.failures = s.Scanner.Flush(s.failures[:0])
	return s.take(dst)
}

func (s *scanner) take(dst []Failure) []Failure {
	for _, f := range s.failures {
		dst = append(dst, Failure{f.Time, f.Addr, f.Rule})
	}
	for _, r := range s.Rejected() {
		s.rejections = append(s.rejections, Rejection{Failure{r.Time, r.Addr, r.Rule}, string(r.Reason), r.By})
	}
	return dst
}

func (s *scanner) Open() bool { return len(s.Scanner.Open()) > 0 }

func (s *scanner) Told() Told {
	stats := s.Stats()
	return Told{
		Unattributed: stats.Unattributed, Forged: stats.Forged, Alarms: stats.Unknown + stats.ProxySuspected,
		Rejections: s.rejections,
	}
}
