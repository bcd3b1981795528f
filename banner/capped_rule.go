package banner

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// untilFormat is the comment of a rule that is a ban: its end, written with
// nothing that a variant of iptables would quote.
const untilFormat = "until-20060102T150405Z"

// banRule is the rule of one ban.
type banRule struct {
	prefix netip.Prefix
	// until is the end in seconds since 1970; 0 for a rule made by hand.
	until int64
}

// ruleOf rounds up, so that no ban ends early.
func ruleOf(b Ban) banRule {
	return banRule{b.Prefix, b.Until.Add(time.Second - 1).Unix()}
}

// end is when the ban ends, or zero if it does not.
func (r banRule) end() time.Time {
	if r.until == 0 {
		return time.Time{}
	}
	return time.Unix(r.until, 0)
}

// spec is the rule as iptables wants it.
func (r banRule) spec() []string {
	if r.until == 0 {
		return []string{"-s", r.prefix.String(), "-j", "DROP"}
	}
	end := time.Unix(r.until, 0).UTC().Format(untilFormat)
	return []string{"-s", r.prefix.String(), "-m", "comment", "--comment", end, "-j", "DROP"}
}

// parseBanRule reads a rule as iptables -S prints it: one of ours, or one made
// by hand that drops a prefix and nothing else.
func parseBanRule(line string) (r banRule, ok bool) {
	words := strings.Fields(line)
	for i := range words {
		words[i] = strings.Trim(words[i], `"`)
	}
	if len(words) < 4 || words[0] != "-A" || words[1] != ownChain || words[2] != "-s" {
		return r, false
	}
	var err error
	if r.prefix, err = netip.ParsePrefix(words[3]); err != nil {
		return r, false
	}
	if i := slices.Index(words, "--comment"); i >= 0 && i+1 < len(words) {
		end, err := time.Parse(untilFormat, words[i+1])
		if err != nil || end.Unix() <= 0 {
			return r, false
		}
		r.until = end.Unix()
	}
	return r, slices.Equal(words[2:], r.spec())
}
