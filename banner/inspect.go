package banner

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// Inspection is what is in place of one backend.
type Inspection struct {
	// Backend is ipset, nftables or iptables.
	Backend string
	// Missing says in words what is missing or not in its place, and IPv6 what
	// is of that family alone.
	Missing, IPv6 []string
}

// inspector is a backend that can be looked at without changing it. It returns
// nil where nothing of it is there.
type inspector interface {
	look() (*Inspection, error)
}

// Inspect looks for what of our backends is in place, and changes nothing.
// Backends of which nothing is there are left out. It needs the rights that
// Open needs, and looks at the network namespace of the calling thread.
func Inspect(opts Options) ([]Inspection, error) {
	var all []Inspection
	var failed []error
	for _, r := range ladder() {
		i, err := r.inspect(opts)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", r.name, err))
		case i != nil:
			all = append(all, *i)
		}
	}
	// One that cannot be looked at cannot be in place.
	if len(failed) == len(ladder()) {
		return nil, errors.Join(failed...)
	}
	return all, nil
}

func (r rung) inspect(opts Options) (*Inspection, error) {
	b, err := r.make(opts)
	if err != nil {
		return nil, err
	}
	defer b.Close() //nolint:errcheck // nothing was written
	looker, ok := b.(inspector)
	if !ok {
		return nil, nil //nolint:nilnil // there is nothing to look at
	}
	i, err := looker.look()
	if i != nil {
		i.Backend = r.name
	}
	return i, err
}

func (f *ipSet) look() (*Inspection, error) {
	v4, lost4, err := f.v4.look()
	if err != nil {
		return nil, err
	}
	v6, lost6, err := f.v6.look()
	if err != nil {
		lost6 = append(lost6, err.Error())
	}
	if !v4 && !v6 {
		return nil, nil //nolint:nilnil // nothing is there
	}
	return &Inspection{Missing: lost4, IPv6: lost6}, nil
}

// look says whether the set is there, and what is missing.
func (g guard) look() (there bool, lost []string, err error) {
	_, err = g.set.ask(setHeader(g.set.name))
	switch {
	case errors.Is(err, syscall.ENOENT): // and without a set no rule can name it
		return false, []string{"set " + g.set.name + " is gone"}, nil
	case err != nil:
		return false, nil, err
	}
	return true, g.rules.look(), nil
}

// look says what is wrong with the rules.
func (r rules) look() []string {
	ipt, err := r.open()
	if err != nil {
		return []string{err.Error()}
	}
	ok, err := r.inPlace(ipt)
	switch {
	case err != nil:
		return []string{err.Error()}
	case !ok:
		return []string{fmt.Sprintf("rules of %s are missing or not first in %s %s", r.family(), ruleTable, ruleChain)}
	}
	return nil
}

func (f *nfTables) look() (*Inspection, error) {
	d, err := f.inspect()
	if err != nil || slices.Equal(d.found, []string{"table inet " + nftName + " was gone"}) {
		return nil, err
	}
	return &Inspection{Missing: d.found}, nil
}

func (f *capped) look() (*Inspection, error) {
	v4, lost4, err4 := f.v4.look()
	v6, lost6, err6 := f.v6.look()
	switch {
	case !v4 && !v6:
		return nil, err4
	case err4 != nil:
		lost4 = append(lost4, err4.Error())
	case err6 != nil:
		lost6 = append(lost6, err6.Error())
	}
	return &Inspection{Missing: lost4, IPv6: lost6}, nil
}

// look says whether the chain is there, and what is wrong with the jump to it.
func (c *banChain) look() (there bool, lost []string, err error) {
	ipt, err := c.jump.open()
	if err != nil {
		return false, nil, err
	}
	there, err = ipt.ChainExists(ruleTable, ownChain)
	if err != nil || !there {
		lost = []string{fmt.Sprintf("chain %s of %s is gone", ownChain, c.jump.family())}
		return false, lost, ruleError("look for chain", err)
	}
	return true, c.jump.look(), nil
}
