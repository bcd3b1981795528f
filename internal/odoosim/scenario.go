package odoosim

import (
	"fmt"
	"slices"
	"time"
)

// Bars are what must hold of a scenario. Nobody uninvolved may be banned in any, unless Oracle says by how many forged
// requests.
type Bars struct {
	// Share of the honest failures that must be counted, at least.
	Share float64
	// Silent says that nobody may be called a forger, nothing be without an author, and nothing raise an alarm.
	Silent bool
	// InTime says that each attacker must be banned within fifteen guesses and a second, forgers too.
	InTime bool
	// PerThousand bounds what counts against somebody uninvolved, of a thousand forged requests; negative is no bound.
	PerThousand float64
}

// Scenario is a site, its visitors, who reads its log, and what must hold.
type Scenario struct {
	Name    string // group/name
	Promise string
	Config  Config
	Reader  Reader
	Bars    Bars
}

// Run simulates the scenario and lets a judge follow it.
func (s *Scenario) Run(seed uint64, judge Judge) *Outcome {
	c := s.Config
	c.Seed += seed
	if rate := s.Reader.WriteRate(); rate > 0 {
		c.WriteRate = rate
	}
	return Run(Simulate(c), s.Reader, judge)
}

// Broken lists the bars that an outcome does not hold.
func (s *Scenario) Broken(o *Outcome) []string {
	var broken []string
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if o.Share() < s.Bars.Share {
		say("%d of %d honest failures counted (%.4f), want %.4f", o.Counted, o.Honest, o.Share(), s.Bars.Share)
	}
	if s.Bars.Silent && (o.Excess > 0 || o.Accused > 0 || o.Told.Alarms > 0) {
		say("%d unattributed, %d called forgers, %d alarms, want none", o.Excess, o.Accused, o.Told.Alarms)
	}
	if s.Bars.PerThousand >= 0 && o.PerThousand() > s.Bars.PerThousand {
		say("%d failures counted against others, %.1f for each 1,000 of %d forged requests, want at most %.0f",
			o.Wrong, o.PerThousand(), o.Log.Forged, s.Bars.PerThousand)
	}
	if s.Config.forgers() == 0 && o.Wrong > 0 {
		say("%d failures too many", o.Wrong)
	}
	if s.Bars.PerThousand < 1 && len(o.BannedStrangers) > 0 || s.Config.forgers() == 0 && len(o.BannedStrangers) > 0 {
		say("banned although uninvolved: %v", o.BannedStrangers)
	}
	for i := range o.Guesses {
		if g := &o.Guesses[i]; s.Bars.InTime && !g.OK(s.Reader.Live()) {
			say("%s %s: %d guesses, %d counted, banned %t after %d, %.3f s after the deciding one, %.3f s after the 15th",
				g.Actor.Name, g.Actor.Addr, g.Made, g.Counted, g.Banned, g.Until, g.Delay.Seconds(), g.Late.Seconds())
		}
	}
	return broken
}

func (c *Config) forgers() int {
	n := 0
	for i := range c.Actors {
		if c.Actors[i].Forges() {
			n++
		}
	}
	return n
}

// The promises, by group.
const (
	Honest   = "honest"
	Liveness = "liveness"
	Safety   = "safety"
	Replays  = "replays"
)

// All lists every scenario; a larger scale makes them longer. One is what the tests take.
func All(scale float64) []Scenario {
	var all []Scenario
	all = append(all, honest(scale)...)
	all = append(all, liveness(scale)...)
	all = append(all, safety(scale)...)
	return append(all, replays(scale)...)
}

// Few lists what the tests take of All: each site and each forger once with a file that is read promptly, and once with
// one of the other readers, in turn.
func Few() []Scenario {
	var few []Scenario
	of := func(all []Scenario, readers int) {
		for i := 0; i < len(all); i += readers {
			few = append(few, all[i])
			if readers > 1 {
				few = append(few, all[i+1+i/readers%(readers-1)])
			}
		}
	}
	of(honest(0.5), 8)
	of(liveness(1), 5)
	of(safety(0.5), 6)
	all := replays(0.4)
	for i := 0; i < len(all); i += 2 {
		few = append(few, all[i+i/2%2].smaller())
	}
	return few
}

// smaller is the scenario with large records a quarter as large: a replay's batches do not depend on their size.
func (s Scenario) smaller() Scenario {
	s.Config.Actors = slices.Clone(s.Config.Actors)
	for i := range s.Config.Actors {
		if a := &s.Config.Actors[i]; a.Forges() && a.Forgery.Size > 0 {
			f := *a.Forgery
			f.Size /= 4
			a.Forgery = &f
		}
	}
	return s
}

func seconds(scale, n float64) time.Duration { return time.Duration(scale * n * 1e9) }

// readers are all those who follow a log live.
func readers() []Reader {
	return []Reader{File(200 * us), File(10 * ms), Polled(250 * ms), Container(), Journal(), Stdin()}
}

// serving is a site by how it serves: n processes, or n threads for a negative one.
func serving(n int, c Config) Config {
	if n > 0 {
		c.Workers = n
	} else {
		c.Threads = -n
	}
	return c
}

func served(n int) string {
	if n > 0 {
		return fmt.Sprint(n, " workers")
	}
	return fmt.Sprint(-n, " threads")
}

func honest(scale float64) []Scenario {
	sites := []struct {
		name   string
		n      []int
		config Config
		length float64
	}{
		{"saturated", []int{1, 2, 4, 16, -1, -4, -12, -16}, Config{Load: Saturated, Fast: true}, 4},
		{"busy", []int{2, 6, -8}, Config{Load: Busy, Rate: 120}, 6},
		{"quiet", []int{2, -4}, Config{Load: Quiet, Rate: 6}, 30},
		{"workers die", []int{4}, Config{Load: Saturated, Fast: true, Deaths: 300 * ms, Recycle: 60}, 5},
		{"Odoo 12", []int{4, -8}, Config{Load: Saturated, Fast: true, Version: 12}, 4},
		{"Odoo 16", []int{4, -8}, Config{Load: Saturated, Fast: true, Version: 16}, 4},
		{"slow directory", []int{4}, Config{
			Load: Busy, Rate: 30, Actors: []Actor{{Name: "LDAP", Addr: attacker(90), Way: SlowForm, Every: 6 * time.Second}},
		}, 40},
	}
	var all []Scenario
	for _, site := range sites {
		for _, n := range site.n {
			c := serving(n, site.config)
			c.Length = seconds(scale, site.length)
			for _, r := range append(readers(), Replay(), ReplayObjects()) {
				all = append(all, Scenario{
					Name: fmt.Sprintf("honest/%s, %s, %s", site.name, served(n), r.Name), Promise: Honest, Config: c, Reader: r,
					Bars: Bars{Share: 1, Silent: true},
				})
			}
		}
	}
	return all
}

// crowdOf are guessers by each of the ways.
func crowdOf(every time.Duration, ways ...Way) []Actor {
	var actors []Actor
	for i, way := range ways {
		actors = append(actors, Guesser(i, way, every))
	}
	return actors
}

func liveness(scale float64) []Scenario {
	busy := Config{Load: Busy, Rate: 150, Workers: 6, Fast: true, Length: seconds(1, 9)}
	with := func(c Config, others []Actor, actors ...Actor) Config {
		c.Actors = append(append([]Actor(nil), others...), actors...)
		return c
	}
	quarter := 250 * ms
	plain := crowdOf(quarter, Form, JSON, JSONRPC, XMLRPC)
	every := crowdOf(400*ms, Form, JSON, JSONRPC, XMLRPC, Upload, TOTP, Reset, Manager, API, CooledForm, CooledJSON)
	languages := crowdOf(quarter, Form, JSON, JSONRPC, XMLRPC, Upload)
	for i := range languages {
		languages[i].Prefix = []string{"/en", "/fr", "//en", "/pt_BR", "/de"}[i]
	}
	noise := func(way Way, every time.Duration) Actor {
		return Actor{Name: "noise by " + way.String(), Addr: attacker(60), Way: way, Every: every}
	}
	dying := with(busy, plain)
	dying.Deaths = 700 * ms
	saturated := with(Config{Load: Saturated, Workers: 4, Fast: true, Length: 8 * time.Second}, plain)
	threads := with(Config{Load: Saturated, Threads: 12, Fast: true, Length: 9 * time.Second}, plain)
	calm := with(Config{Load: Quiet, Workers: 2, Length: 12 * time.Second}, every)
	forger := func(n int, way Way, every time.Duration, f Forgery) Actor {
		name := "forger, " + f.Knows.String() + ", by " + way.String()
		return Actor{Name: name, Addr: attacker(70 + n), Way: way, Every: every, Forgery: &f}
	}
	sites := []struct {
		name   string
		config Config
	}{
		{"plain", with(busy, plain)},
		{"every way", with(busy, every)},
		{"every way on a quiet site", calm},
		{"fast", with(busy, crowdOf(20*ms, Form, JSON, JSONRPC, XMLRPC, Upload))},
		{"slow", with(Config{Load: Busy, Rate: 40, Workers: 2, Length: 62 * time.Second},
			crowdOf(3*time.Second, Form, JSON, JSONRPC))},
		{"workers die", dying},
		{"saturated workers", saturated},
		{"saturated threads", threads},
		{"languages", with(busy, languages)},
		{"upload", with(busy, crowdOf(quarter, Form, Upload, JSON, Upload))},
		{"cooldown beside", with(busy, plain,
			Actor{Name: "cooled", Addr: attacker(50), Way: CooledJSON, Every: time.Second})},
		{"noise, 5 a second", with(busy, plain, noise(BadPath, 200*ms))},
		{"noise, 114 a second", with(busy, plain, noise(BadPath, 8800*us))},
		{"noise without tokens", with(busy, plain, noise(NoToken, 20*ms))},
		{"noise on a quiet site", with(Config{Load: Quiet, Threads: 4, Length: 12 * time.Second}, crowdOf(500*ms, Form),
			noise(BadPath, 200*ms))},
		{"beside a blind forger", with(busy, plain, forger(0, Form, 100*ms, Forgery{Shape: Mixed, Lines: 20}))},
		{"beside one who knows the second", with(busy, plain,
			forger(0, Form, 100*ms, Forgery{Knows: Second, Shape: Mixed, Lines: 20}))},
		{"beside one who enumerates", with(busy, plain, forger(0, JSONRPC, 300*ms, Forgery{Knows: Enumerate, Lines: 400}))},
		{"beside an oracle", with(busy, plain, forger(0, JSON, 100*ms, Forgery{Knows: Oracle, Lines: 3}))},
		{"beside one who answers for others", with(busy, plain,
			forger(0, Form, 60*ms, Forgery{Knows: Oracle, Shape: Answers, Busy: true, Lines: 4}))},
		{"beside one who leaves it open", with(busy, plain,
			forger(0, BadPath, 100*ms, Forgery{Knows: Second, Open: OpenOpening, Lines: 2}))},
		{"beside a forger in call_kw", with(busy, plain, forger(0, Fragment, 100*ms, Forgery{Knows: Second, Lines: 2}))},
		{"forgers who guess", with(busy, nil, forger(0, Form, quarter, Forgery{Knows: Second, Lines: 2}),
			forger(1, JSON, quarter, Forgery{Knows: Oracle, Lines: 2}),
			forger(2, JSONRPC, quarter, Forgery{Knows: Blind, Lines: 5}),
			forger(3, Form, quarter, Forgery{Knows: Oracle, Open: OpenOpening, Ending: OtherEnding}))},
	}
	_ = scale
	var all []Scenario
	for _, site := range sites {
		for _, r := range []Reader{File(200 * us), Polled(250 * ms), Container(), Journal(), Stdin()} {
			all = append(all, Scenario{
				Name: fmt.Sprintf("liveness/%s, %s", site.name, r.Name), Promise: Liveness, Config: site.config, Reader: r,
				Bars: Bars{InTime: true, PerThousand: -1},
			})
		}
	}
	return all
}
