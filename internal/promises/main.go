// Command promises measures what rules promises over simulated servers, and writes a table as Markdown.
//
//	go run ./internal/promises                       the whole table
//	go run ./internal/promises -run REGEXP -v        scenarios by name; what went wrong first, with the log around it
//	go run ./internal/promises -run REGEXP -log FILE the log of the first of them, to look at
//	go run ./internal/promises -ablate               what each check buys
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"

	"odooban/internal/odoosim"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what the command was told.
type options struct {
	match   *regexp.Regexp
	seed    uint64
	seeds   uint64
	scale   float64
	verbose bool
	list    bool
	most    int
	log     string
}

func run(args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("promises", flag.ContinueOnError)
	flags.SetOutput(problems)
	var o options
	pattern := flags.String("run", ".", "scenarios whose `name` matches")
	ablate := flags.Bool("ablate", false, "switch each check off in turn")
	flags.Uint64Var(&o.seed, "seed", 0, "first seed")
	flags.Uint64Var(&o.seeds, "seeds", 1, "how many seeds")
	flags.Float64Var(&o.scale, "scale", 1, "how much longer the sites live")
	flags.BoolVar(&o.verbose, "v", false, "what went wrong first, with the log around it")
	flags.BoolVar(&o.list, "list", false, "names only")
	flags.IntVar(&o.most, "most", 1, "how many wrong verdicts and misses -v shows of each scenario")
	flags.StringVar(&o.log, "log", "", "write the log of the first scenario to a `file`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	var err error
	if o.match, err = regexp.Compile(*pattern); err != nil {
		fmt.Fprintln(problems, "promises:", err)
		return 2
	}
	if *ablate {
		return o.ablation(out)
	}
	return o.table(out, problems)
}

// chosen are the scenarios to run.
func (o *options) chosen() []odoosim.Scenario {
	var chosen []odoosim.Scenario
	for _, s := range odoosim.All(o.scale) {
		if o.match.MatchString(s.Name) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// table runs the scenarios and writes how each went.
func (o *options) table(out, problems io.Writer) int {
	chosen := o.chosen()
	if o.list {
		for i := range chosen {
			fmt.Fprintln(out, chosen[i].Name)
		}
		return 0
	}
	if o.log != "" && len(chosen) > 0 {
		if err := o.save(&chosen[0]); err != nil {
			fmt.Fprintln(problems, "promises:", err)
			return 1
		}
	}
	rows := each(chosen, func(s *odoosim.Scenario) row { return o.measure(s, odoosim.NewJudge) })
	broken := 0
	if !o.verbose {
		fmt.Fprintln(out, "| scenario | honest | unattributed | forgers named | in time | guesses | delay |"+
			" wrong per 1,000 | strangers banned | |")
		fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	}
	for i := range rows {
		r := &rows[i]
		if len(r.broken) > 0 {
			broken++
		}
		if o.verbose {
			r.explain(out, chosen[i].Name, o.most)
			continue
		}
		r.write(out, chosen[i].Name)
	}
	fmt.Fprintf(out, "\n%d of %d scenarios keep their promise\n", len(rows)-broken, len(rows))
	return min(broken, 1)
}

// save writes a scenario's log.
func (o *options) save(s *odoosim.Scenario) error {
	f, err := os.Create(o.log)
	if err != nil {
		return err
	}
	c := s.Config
	c.Seed += o.seed
	for _, w := range odoosim.Simulate(c).Writes {
		if _, err := f.Write(w.Text); err != nil {
			return err
		}
	}
	return f.Close()
}

// each runs f for the scenarios, two at a time, and keeps their order.
func each(scenarios []odoosim.Scenario, f func(*odoosim.Scenario) row) []row {
	rows := make([]row, len(scenarios))
	var wait sync.WaitGroup
	turn := make(chan struct{}, 2)
	for i := range scenarios {
		turn <- struct{}{}
		wait.Go(func() {
			rows[i] = f(&scenarios[i])
			<-turn
		})
	}
	wait.Wait()
	return rows
}

// ablation says what the promises lose with each check off, once rules lets them be switched off.
func (o *options) ablation(out io.Writer) int {
	checks := odoosim.Checks()
	if len(checks) == 0 {
		fmt.Fprintln(out, "No check of rules can be switched off; see odoosim.Checks.")
		return 1
	}
	fmt.Fprintln(out, "| off | promises kept | honest counted | attackers in time | wrong | strangers banned |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, check := range append([]string{""}, checks...) {
		var sum row
		kept := 0
		rows := each(o.chosen(), func(s *odoosim.Scenario) row {
			return o.measure(s, func() odoosim.Judge { return odoosim.NewJudgeWithout(check) })
		})
		for i := range rows {
			sum.add(&rows[i])
			if len(rows[i].broken) == 0 {
				kept++
			}
		}
		if check == "" {
			check = "nothing"
		}
		fmt.Fprintf(out, "| %s | %d of %d | %d of %d | %d of %d | %d | %d |\n",
			check, kept, len(rows), sum.counted, sum.honest, sum.ok, sum.needed, sum.wrong, sum.banned)
	}
	return 0
}
