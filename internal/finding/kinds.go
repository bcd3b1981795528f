package finding

// LogHandler is what Odoo's configuration needs for failed logins and access
// lines to be written, whatever its log_level.
const LogHandler = "log_handler = odoo.addons.base.models.res_users:INFO,werkzeug:INFO"

// ProxyCure lets Odoo log the addresses of clients behind a proxy.
const ProxyCure = "set proxy_mode = True in odoo.conf and let the proxy send X-Forwarded-For and X-Forwarded-Host, " +
	"so that Odoo logs the client's address"

// TraefikCure lets Traefik log the addresses of clients behind another proxy.
const TraefikCure = "if that is a proxy in front of Traefik, name it under proxies in /etc/odooban/odooban.yaml, and " +
	"under forwardedHeaders.trustedIPs of Traefik's entry point"

func ofSources() []Kind {
	return []Kind{
		{
			NoSource, Error, "odooban has no log to follow",
			"name Odoo's log under sources in /etc/odooban/odooban.yaml: sources: [{file: /var/log/odoo/odoo.log}]",
		},
		{
			SourceTrouble, Error, "a log cannot be read",
			"name a file that is there and that odooban may read",
		},
		{
			SourceEmpty, Warning, "a log has not one line",
			"look where Odoo writes its log (logfile in odoo.conf, or docker logs) and name that under sources",
		},
		{
			SourceSilent, Warning, "nothing comes from a log any more",
			"look whether Odoo runs, and where and at which level it writes its log now (logfile and log_level in odoo.conf); " +
				"take a log out of sources that is not used any more",
		},
		{
			LogElsewhere, Error, "Odoo writes its log to a file that odooban does not follow",
			"add the file under sources in /etc/odooban/odooban.yaml",
		},
	}
}

func ofLogs() []Kind {
	return []Kind{
		{
			LevelHides, Error, "Odoo is told not to log failed logins",
			"write " + LogHandler + " into odoo.conf and start Odoo again",
		},
		{
			NoAccessLines, Warning, "Odoo writes no access lines, so that failures over RPC have no address",
			"write " + LogHandler + " into odoo.conf and start Odoo again",
		},
		{
			NotOdoo, Warning, "nothing in a source is a record of Odoo's, nor a failure by any rule",
			"take it out of sources, or, if it is Odoo's log, let Odoo write it in its own format",
		},
		{
			FormatChanged, Error, "Odoo's login logger writes lines that no rule understands: failures may be missed",
			"update odooban; if it is the newest, report such a line (odooban test LINE says what is understood of it)",
		},
		{
			Unattributed, Warning, "failed logins whose address the log does not tell are not counted",
			"let Odoo write access lines (log_handler = werkzeug:INFO), and keep them in the same log",
		},
		{
			Doubtful, Warning, "failures in Traefik's log of which it is not sure who made them are not counted",
			"let Traefik log in JSON (accessLog: {format: json}), and name the proxies in front of it under proxies",
		},
		{
			MixedLog, Warning, "one source has both Odoo's records and Traefik's access lines, and the latter are not counted",
			"give each a log of its own; if they have, somebody forges lines",
		},
		{ProxyMode, Error, "the addresses in the log are a proxy's", ProxyCure},
		{OwnAddress, Warning, "failed logins come from an address that is never banned", "if that is a proxy, " + ProxyCure},
		{
			TooManyAddresses, Error, "more addresses fail than odooban counts at once: it forgets some before they are banned",
			"if they are of few networks of IPv6, write ipv6_prefix: 48, or less; else a shorter findtime, or a lower maxretry",
		},
		{
			ClockDiffers, Error,
			"the log's clock and this host's disagree: failures are lost, or bans end too early or too late",
			"set both clocks by NTP; Odoo logs in UTC, so let no formatter write local time",
		},
		{
			TimeZone, Error, "the log is written in local time and not in UTC: bans end hours too early or too late",
			"let the formatter write UTC (Odoo's own does), or take it out of Odoo's log configuration",
		},
		{
			Syslog, Warning, "Odoo logs to syslog, which names no process and no milliseconds: forged lines are harder to tell",
			"write syslog = False and logfile = /var/log/odoo/odoo.log into odoo.conf and start Odoo again",
		},
		{
			DatabaseManager, Warning, "Odoo's database manager is open: one password guards all databases",
			"write list_db = False into odoo.conf and start Odoo again",
		},
	}
}

func ofFirewall() []Kind {
	return []Kind{
		{FirewallFailed, Error, "bans cannot be put in force", "see what was found for what is missing"},
		{
			FirewallMissing, Error, "a part of the firewall is missing or not in its place",
			"start odooban: it puts back what is missing, first in raw PREROUTING",
		},
		{IPv6Open, Warning, "addresses of IPv6 are not kept away", "see what was found for what is missing"},
		{
			NoClients, Error, "no client's packets pass where odooban's firewall is: bans keep nobody away",
			"run odooban in the host's network (in Docker: network_mode: host)",
		},
		{
			TwoVariants, Warning, "odooban's rules stand in both variants of iptables, and only one of them is tended",
			"take the rules out of the variant that odooban does not use",
		},
		{
			BanPasses, Error, "a banned address still gets through",
			"add the ports that clients connect to under firewall.ports, and run odooban in the network namespace " +
				"that their packets pass (in Docker: network_mode: host)",
		},
		{
			DryRun, Warning, "nobody is banned: this is a dry run",
			"take dry-run out of firewall.backend and of odooban's command",
		},
	}
}

func ofDaemon() []Kind {
	return []Kind{
		{
			DaemonDown, Error, "odooban does not run",
			"systemctl enable --now odooban (in Docker Compose: docker compose up -d odooban)",
		},
		{
			SocketLost, Error, "odooban runs, and its control socket was removed: nobody can ask or correct it",
			"systemctl restart odooban (bans stay in force)",
		},
		{
			Configuration, Error, "the configuration has mistakes: odooban would not start with it",
			"correct what is named, and look with: odooban config check; then systemctl reload odooban",
		},
		{
			ReloadRefused, Error, "odooban goes by an earlier configuration: the present one was refused",
			"correct what is named, then systemctl reload odooban",
		},
		{
			MetricsDown, Warning, "metrics are not served",
			"free the address (ss -tlnp says who has it), or change metrics.listen and systemctl reload odooban",
		},
		{
			DaemonUnhealthy, Error, "odooban runs and does not protect",
			"where it is about the firewall do what is said under firewall-failed, where about a log under source-trouble",
		},
		{
			JournalVolatile, Warning, "the journal is where a restart loses it: bans and counts start anew then",
			"give journal.path a directory on a disk (in Docker: a volume at /var/lib/odooban)",
		},
		{
			JournalOutage, Warning, "the journal cannot be written: what happens now would not survive a restart",
			"make its file system writable and give it room",
		},
		{JournalDamaged, Warning, "the journal was damaged and a new one is begun", "check the disk"},
		{
			Fail2banBlind, Warning, "fail2ban has a filter for Odoo that matches none of the lines that Odoo writes",
			"remove the jail and the filter, and systemctl reload fail2ban: odooban does their work",
		},
	}
}
