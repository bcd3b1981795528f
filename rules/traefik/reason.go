package traefik

// Why a failure does not count.
const (
	// ProxyNotNamed is for a request by a proxy that Traefik trusts and odooban was not
	// told of, or by one of several in the common format.
	ProxyNotNamed = "proxy-not-named"
	// NoAddress is for a line that names no address where the client's belongs.
	NoAddress = "no-client-address"
	// TwoAnswers is for a line of the common format that seems to hold two answers.
	TwoAnswers = "two-answers"
	// Forged is for a line whose count has come before, or belongs nowhere.
	Forged = "forged-count"
	// Unproven is for a line that may be a part of another request's, of somebody of
	// whom no failure is proven.
	Unproven = "unproven"
	// NoCount is for such a line where Traefik was told to drop the count.
	NoCount = "no-request-count"
	// Cooldown is for a form that Odoo shows to everybody.
	Cooldown = "cooldown-of-proxy"
)

// Explanation says what a reason means, and what to do about it.
type Explanation struct{ Reason, Title, Cure string }

// Explanations are those of all reasons.
func Explanations() []Explanation {
	const takeJSON = "let Traefik write JSON (accessLog.format: json), into a new file"
	return []Explanation{
		{
			ProxyNotNamed, "a proxy asked that is not named under `proxies`",
			"name the proxy under `proxies`; if nobody asks through one, take forwardedHeaders.insecure out of Traefik",
		},
		{
			NoAddress, "the line names no address where the client's belongs",
			"let the proxy in front of Traefik send a right X-Forwarded-For, or name all proxies under `proxies`",
		},
		{TwoAnswers, "the line seems to hold two answers", takeJSON},
		{Forged, "its count of requests has come before, or belongs nowhere: somebody wrote it", takeJSON},
		{Unproven, "it may be a part of another request, of somebody of whom no failure is proven", takeJSON},
		{
			NoCount, "it may be a part of another request, and has no count to tell",
			"let Traefik write JSON, or keep the field RequestCount (accessLog.fields)",
		},
		{
			Cooldown, "Odoo shows the login form to everybody, because it takes its proxy for somebody who guesses",
			"set proxy_mode in odoo.conf, so that Odoo sees who guesses",
		},
	}
}
