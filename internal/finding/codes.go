package finding

// The codes about where the log comes from.
const (
	// NoSource: there is no log to follow.
	NoSource = "no-source"
	// SourceTrouble: a source cannot be read.
	SourceTrouble = "source-trouble"
	// SourceEmpty: a source never had a line.
	SourceEmpty = "source-empty"
	// SourceSilent: a source gets no lines any more.
	SourceSilent = "source-silent"
	// LogElsewhere: Odoo writes its log where nobody reads.
	LogElsewhere = "log-elsewhere"
)

// The codes about what is in the log.
const (
	// LevelHides: Odoo is told not to log failed logins.
	LevelHides = "level-hides-failures"
	// NoAccessLines: Odoo writes no access lines.
	NoAccessLines = "no-access-lines"
	// NotOdoo: nothing in the source is understood.
	NotOdoo = "not-odoo"
	// FormatChanged: the login logger writes lines that no rule understands.
	FormatChanged = "format-changed"
	// Unattributed: failures whose address the log does not tell.
	Unattributed = "unattributed"
	// Doubtful: failures in Traefik's log of which it is not sure who made them.
	Doubtful = "doubtful-address"
	// MixedLog: a source has both Odoo's records and Traefik's access lines.
	MixedLog = "mixed-log"
	// ProxyMode: the addresses in the log are a proxy's.
	ProxyMode = "proxy-mode"
	// OwnAddress: failures that come from an ignored address.
	OwnAddress = "own-address"
	// TooManyAddresses: more addresses fail than are counted at once.
	TooManyAddresses = "too-many-addresses"
	// ClockDiffers: the log's clock and ours disagree.
	ClockDiffers = "clock-differs"
	// TimeZone: the log is written in local time.
	TimeZone = "time-zone"
	// Syslog: the log comes through syslog.
	Syslog = "syslog"
	// DatabaseManager: Odoo's database manager is open.
	DatabaseManager = "database-manager"
)

// The codes about the firewall.
const (
	// FirewallFailed: bans cannot be put in force.
	FirewallFailed = "firewall-failed"
	// FirewallMissing: a part of the firewall is missing or not in its place.
	FirewallMissing = "firewall-missing"
	// IPv6Open: addresses of IPv6 are not kept away.
	IPv6Open = "ipv6-open"
	// NoClients: no client's packets pass where the firewall is.
	NoClients = "no-clients"
	// TwoVariants: rules stand in both variants of iptables.
	TwoVariants = "two-variants"
	// BanPasses: a banned address still gets through.
	BanPasses = "ban-passes"
	// DryRun: nobody is banned because odooban was told so.
	DryRun = "dry-run"
)

// The codes about odooban itself and what runs beside it.
const (
	// DaemonDown: the daemon does not run, or does not answer.
	DaemonDown = "daemon-down"
	// SocketLost: the daemon runs, and its control socket was taken away.
	SocketLost = "socket-lost"
	// Configuration: the configuration has mistakes.
	Configuration = "configuration"
	// ReloadRefused: the daemon goes by an earlier configuration.
	ReloadRefused = "reload-refused"
	// MetricsDown: metrics cannot be served.
	MetricsDown = "metrics-down"
	// DaemonUnhealthy: the daemon says that it does not protect.
	DaemonUnhealthy = "daemon-unhealthy"
	// JournalVolatile: the journal is where a restart loses it.
	JournalVolatile = "journal-volatile"
	// JournalOutage and JournalDamaged are events of internal/store.
	JournalOutage  = "journal-outage"
	JournalDamaged = "journal-damaged"
	// Fail2banBlind: fail2ban has a filter for Odoo that matches nothing.
	Fail2banBlind = "fail2ban-blind"
)
