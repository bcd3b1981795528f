package odoosim

import (
	"fmt"
	"time"
)

// forgery is a kind of forger in the table of those that the promises name.
type forgery struct {
	name string
	way  []Way
	n    []int // served by
	f    Forgery
	size bool // large records: few of them
}

// table of the forgers that the promises name.
func table() []forgery {
	form := []Way{Form, JSON, JSONRPC}
	both := []int{4, -8}
	return []forgery{
		{"nothing", form, both, Forgery{Shape: Mixed, Lines: 6}, false},
		{"nothing, large", []Way{JSONRPC}, both, Forgery{Size: 1 << 20}, true},
		{"the second, a pair", form, both, Forgery{Knows: Second, Lines: 1, Victims: 3}, false},
		{"the second, anything", form, both, Forgery{Knows: Second, Shape: Mixed, Lines: 8, Victims: 3}, false},
		{"the second, names whom is served", form, both, Forgery{Knows: Second, Shape: Mixed, Lines: 4, Served: true}, false},
		{"the second, records only", form, both, Forgery{Knows: Second, Shape: Records, Lines: 10}, false},
		{"the second, for n/a", []Way{JSONRPC}, both, Forgery{Knows: Second, Shape: RPCPairs, Lines: 10}, false},
		{"the second, probes", form, both, Forgery{Knows: Second, Shape: Probes, Lines: 10}, false},
		{"the second, by path", []Way{BadPath}, both, Forgery{Knows: Second, Shape: Mixed, Lines: 8}, false},
		{"the second, by call_kw", []Way{Fragment}, both, Forgery{Knows: Second, Lines: 4}, false},
		{"the second, by reset", []Way{Reset}, both, Forgery{Knows: Second, Shape: Mixed, Lines: 4}, false},
		{"each millisecond", []Way{Form, JSONRPC}, both, Forgery{Knows: Enumerate, Lines: 600}, false},
		{"each millisecond, large", []Way{Form, JSONRPC}, both, Forgery{Knows: Enumerate, Size: 4 << 20}, true},
		{
			"each millisecond, short lines",
			[]Way{JSONRPC},
			both,
			Forgery{Knows: Enumerate, Shape: Records, Size: 1 << 20},
			true,
		},
		{"the millisecond, idle", form, []int{4}, Forgery{Knows: Oracle}, false},
		{
			"the millisecond, idle, own opening",
			form,
			[]int{4},
			Forgery{Knows: Oracle, Open: OwnOpening, Ending: LoginEnding},
			false,
		},
		{"the millisecond, busy", form, []int{4}, Forgery{Knows: Oracle, Busy: true}, false},
		{"the millisecond, own process", form, []int{4}, Forgery{Knows: Oracle, Own: true}, false},
		{
			"the millisecond, left open",
			form,
			[]int{4},
			Forgery{Knows: Oracle, Open: OpenOpening, Ending: OtherEnding},
			false,
		},
		{"the millisecond, many", form, []int{4}, Forgery{Knows: Oracle, Shape: Mixed, Lines: 5, Victims: 5}, false},
		{
			"the millisecond, for n/a",
			[]Way{JSONRPC},
			[]int{4, -8},
			Forgery{Knows: Oracle, Shape: RPCPairs, Open: NoneOpening},
			false,
		},
		{"the millisecond, threads", form, []int{-8}, Forgery{Knows: Oracle, Shape: Mixed, Lines: 2}, false},
		{"the millisecond, by call_kw", []Way{Fragment}, []int{4}, Forgery{Knows: Oracle, Lines: 2}, false},
	}
}

// NoDatabase is how the database's name holds lines, until 16.
func databaseNames() forgery {
	return forgery{
		"the second, by database",
		[]Way{NoDatabase},
		[]int{4, -8},
		Forgery{Knows: Second, Shape: Mixed, Lines: 6},
		false,
	}
}

// site is a busy server with a forger of each way beside honest people and one plain guesser.
func (f forgery) site(n int, length time.Duration) Config {
	c := serving(n, Config{Load: Busy, Rate: 40, Fast: true, Length: length})
	if f.way[0] == NoDatabase {
		c.Version = 16
	}
	every := 120 * ms
	switch {
	case f.size:
		every = length / 3
	case f.f.Lines > 100:
		every = 700 * ms
	}
	for i, way := range f.way {
		own := f.f
		c.Actors = append(c.Actors, Actor{
			Name: "forger by " + way.String(), Addr: attacker(30 + i), Way: way, Every: every, From: time.Second, Forgery: &own,
		})
	}
	c.Actors = append(c.Actors, Guesser(0, Form, 700*ms), Guesser(1, JSONRPC, 700*ms))
	return c
}

// perThousand is what a forger who knows the millisecond may reach.
func perThousand(f Forgery, n int, r Reader) float64 {
	switch {
	case f.Knows != Oracle:
		return 0
	case n < 0 && (r.Poll > 0 || r.Latency >= 10*ms):
		return 50
	}
	return 5
}

func safety(scale float64) []Scenario {
	var all []Scenario
	for _, f := range append(table(), databaseNames()) {
		for _, n := range f.n {
			for _, r := range []Reader{File(200 * us), File(10 * ms), Polled(250 * ms), Container(), Journal(), Stdin()} {
				all = append(all, Scenario{
					Name:    fmt.Sprintf("safety/%s, %s, %s", f.name, served(n), r.Name),
					Promise: Safety, Config: f.site(n, seconds(scale, 8)), Reader: r,
					Bars: Bars{PerThousand: perThousand(f.f, n, r)},
				})
			}
		}
	}
	return all
}

func replays(scale float64) []Scenario {
	var all []Scenario
	for _, f := range append(table(), databaseNames()) {
		for _, n := range f.n {
			for _, r := range []Reader{Replay(), ReplayObjects()} {
				bars := Bars{Share: 0.97, PerThousand: -1}
				if f.f.Knows != Oracle {
					bars.PerThousand = 0
				}
				all = append(all, Scenario{
					Name: fmt.Sprintf("replays/%s, %s, %s", f.name, served(n), r.Name), Promise: Replays,
					Config: f.site(n, seconds(scale, 20)), Reader: r, Bars: bars,
				})
			}
		}
	}
	return all
}
