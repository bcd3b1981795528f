package banner

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"odooban/banner/nfnetlink"
)

// counted says which sets are to be made with counters: all but those that are
// there without, made by hand. The kernel adds none to a set that is there.
func counted(c *nfnetlink.Conn, sets []nftSet) (map[nftSet]bool, error) {
	counted := make(map[nftSet]bool, len(sets))
	for _, s := range sets {
		facts, err := s.facts(c)
		if err != nil && !errors.Is(err, syscall.ENOENT) {
			return nil, nftError("look at set "+s.name(), err)
		}
		counted[s] = facts.counts || err != nil
	}
	return counted, nil
}

// dropped reads the counters of the rules.
func (f *nfTables) dropped(ctx context.Context) (sum uint64, err error) {
	rules, err := f.nft.ourRules()
	for _, r := range rules {
		if c := counterOf(r); c != nil {
			sum += c.Packets
		}
	}
	return sum, errors.Join(err, ctx.Err())
}

// ruleDrops returns the counters of the rules that are there. Where there are
// none, counting begins anew.
func (f *nfTables) ruleDrops() map[nftSet]*expr.Counter {
	drops := make(map[nftSet]*expr.Counter)
	rules, _ := f.nft.ourRules()
	for _, r := range rules {
		for _, s := range f.sets {
			if s.isRule(r, f.ports) {
				drops[s] = counterOf(r)
			}
		}
	}
	return drops
}

// ourRules returns the rules of the chain, at the place where ours is.
func (c *nftConn) ourRules() (rules []*nftables.Rule, err error) {
	err = c.within(nfnetlink.Patience*time.Second, func(nft *nftables.Conn) (err error) {
		rules, err = nft.GetRules(nftTable(), nftBase())
		return err
	})
	return rules, nftError("list rules of table inet "+nftName, err)
}

func counterOf(r *nftables.Rule) *expr.Counter {
	for _, e := range r.Exprs {
		if c, ok := e.(*expr.Counter); ok {
			return c
		}
	}
	return nil
}
