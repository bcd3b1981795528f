package rules

import (
	"slices"
	"time"

	"odooban/rules/ledger"
	"odooban/rules/traefik"
)

// Format is whose log a rule reads.
type Format string

// The formats.
const (
	OdooFormat    Format = "odoo"
	TraefikFormat Format = "traefik"
)

// The built-in rules.
const (
	LoginRule     = "odoo-login"
	CooldownRule  = "odoo-cooldown"
	TOTPRule      = "odoo-totp"
	ResetRule     = "odoo-reset"
	DatabaseRule  = "odoo-database"
	APIRule       = "odoo-api"
	CSRFRule      = "odoo-csrf"
	NameRule      = "odoo-dbname"
	ProxyLogin    = "traefik-login"
	ProxyLimit    = "traefik-ratelimit"
	ProxyDatabase = "traefik-database"
)

// Rule is a built-in rule, as data: configuration, documents, doctor and config init
// derive from it.
type Rule struct {
	Name string
	// Title says what one failure is, for people.
	Title  string
	Format Format
	// MaxRetry failures within FindTime lead to a ban of BanTime, unless it is
	// configured otherwise.
	MaxRetry          int
	FindTime, BanTime time.Duration
	way               ledger.Way // of Odoo's
}

// Builtin returns the built-in rules, in the order in which they are listed.
func Builtin() []Rule {
	const quarter = 15 * time.Minute
	return []Rule{
		{LoginRule, "a failed login", OdooFormat, 10, time.Minute, quarter, ledger.Login},
		{
			CooldownRule, "a login that Odoo refused to look at after too many failures", OdooFormat, 1, time.Minute, quarter,
			ledger.Cooldown,
		},
		{TOTPRule, "a wrong one-time code", OdooFormat, 10, 10 * time.Minute, quarter, ledger.TOTP},
		{ResetRule, "somebody asks for a new password", OdooFormat, 10, 10 * time.Minute, quarter, ledger.Reset},
		{DatabaseRule, "a request for the database manager", OdooFormat, 10, 10 * time.Minute, time.Hour, ledger.Manager},
		{APIRule, "a request to the API without a valid key", OdooFormat, 20, time.Minute, quarter, ledger.API},
		{CSRFRule, "a form with a wrong CSRF token", OdooFormat, 60, time.Minute, quarter, ledger.Token},
		{NameRule, "a login to a database that there is not", OdooFormat, 20, 10 * time.Minute, quarter, ledger.Database},
		{ProxyLogin, "a failed login", TraefikFormat, 10, time.Minute, quarter, 0},
		{ProxyLimit, "refused as one of too many", TraefikFormat, 300, time.Minute, quarter, 0},
		{ProxyDatabase, "a request for the database manager", TraefikFormat, 10, 10 * time.Minute, time.Hour, 0},
	}
}

// BuiltIn lists the names of the built-in rules.
func BuiltIn() []string {
	var names []string
	for _, r := range Builtin() {
		names = append(names, r.Name)
	}
	return names
}

// titleOf says what a failure by a built-in rule is.
func titleOf(name string) string {
	all := Builtin()
	return all[slices.IndexFunc(all, func(r Rule) bool { return r.Name == name })].Title
}

// Reason is the name of why a line that looks like a failure is not counted.
type Reason = ledger.Reason

// ReasonInfo says what a reason means, and what to do about it.
type ReasonInfo = ledger.Explanation

// Reasons are all reasons there are.
func Reasons() []ReasonInfo {
	all := ledger.Explanations()
	for _, e := range traefik.Explanations() {
		forged := e.Reason == traefik.Forged
		all = append(all, ReasonInfo{Reason: Reason(e.Reason), Forged: forged, Title: e.Title, Cure: e.Cure})
	}
	return all
}

// IsProxied reports whether a built-in rule reads Traefik's log.
func IsProxied(name string) bool {
	return slices.ContainsFunc(Builtin(), func(r Rule) bool { return r.Name == name && r.Format == TraefikFormat })
}
