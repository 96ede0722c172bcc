/* SPDX-License-Identifier: ISC */
/* env_vars.c - see env_vars.h.  Runs in: mitmctl. */
#include "config.h"

#include "ctl/env_vars.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "signer/ca_file.h"

enum what {
	PROXY,		/* the proxy's URL */
	DIRECT,		/* what does without it */
	BUNDLE,		/* a file of roots, in the place of the client's own */
	CERT,		/* ours alone, beside the client's own */
	JAVA,
	TAG,
	WORD		/* fixed */
};

/* The lower-case names win with Python, Ruby and curl, the others with Go. */
static const struct {
	const char *name;
	enum what what;
	const char *word;
} table[] = {
	{"http_proxy", PROXY, NULL}, {"https_proxy", PROXY, NULL},
	{"HTTP_PROXY", PROXY, NULL}, {"HTTPS_PROXY", PROXY, NULL},
	{"no_proxy", DIRECT, NULL}, {"NO_PROXY", DIRECT, NULL},
	{"CGI_HTTP_PROXY", PROXY, NULL},		/* composer */
	{"SSL_CERT_FILE", BUNDLE, NULL},		/* OpenSSL, Python, Ruby, Go */
	{"CURL_CA_BUNDLE", BUNDLE, NULL},
	{"GIT_SSL_CAINFO", BUNDLE, NULL},
	{"GIT_HTTP_PROXY_AUTHMETHOD", WORD, "basic"},	/* it would ask first, and ask again */
	{"REQUESTS_CA_BUNDLE", BUNDLE, NULL}, {"PIP_CERT", BUNDLE, NULL},
	{"NODE_EXTRA_CA_CERTS", CERT, NULL},
	{"NODE_USE_ENV_PROXY", WORD, "1"},
	{"GLOBAL_AGENT_HTTP_PROXY", PROXY, NULL}, {"GLOBAL_AGENT_HTTPS_PROXY", PROXY, NULL},
	{"npm_config_proxy", PROXY, NULL}, {"npm_config_https_proxy", PROXY, NULL},
	{"npm_config_cafile", BUNDLE, NULL},
	{"YARN_HTTP_PROXY", PROXY, NULL}, {"YARN_HTTPS_PROXY", PROXY, NULL},
	{"YARN_HTTPS_CA_FILE_PATH", BUNDLE, NULL},
	{"DENO_CERT", CERT, NULL},
	{"CARGO_HTTP_PROXY", PROXY, NULL}, {"CARGO_HTTP_CAINFO", BUNDLE, NULL},
	{"BUNDLE_SSL_CA_CERT", BUNDLE, NULL},
	{"PERL_LWP_SSL_CA_FILE", BUNDLE, NULL},
	{"AWS_CA_BUNDLE", BUNDLE, NULL},
	{"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", BUNDLE, NULL},
	{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", BUNDLE, NULL}, {"grpc_proxy", PROXY, NULL},
	{"NIX_SSL_CERT_FILE", BUNDLE, NULL},
	{"JAVA_TOOL_OPTIONS", JAVA, NULL},
	{"MITMD_ACTIVE", WORD, "1"},
	{"MITMD_TAG", TAG, NULL},
};
_Static_assert(sizeof(table) / sizeof(table[0]) <= ENV_VARS_MAX, "room for all");

/* git and Python need a password to send the name; any will do. */
static char *
proxy_url(const struct addr *proxy, const char *tag)
{
	char text[ADDR_TEXT_SIZE];

	return tag != NULL ? mem_printf("http://%s:x@%s", tag, addr_text(proxy, text)) :
	    mem_printf("http://%s", addr_text(proxy, text));
}

/* Java takes neither: a tag has no place, and hosts are parted by bars. */
static char *
java_options(const struct addr *proxy, const char *ca_dir, const char *direct)
{
	char host[ADDR_TEXT_SIZE], *hosts = mem_strdup(direct != NULL ? direct : ""), *p, *all;
	const char *quote = strchr(ca_dir, ' ') != NULL ? "\"" : "";
	unsigned port = addr_port(proxy);

	for (p = hosts; *p != '\0'; p++)
		if (*p == ',')
			*p = '|';
	(void)addr_ip_text(proxy, host);
	all = mem_printf("-Dhttp.proxyHost=%s -Dhttp.proxyPort=%u -Dhttps.proxyHost=%s "
	    "-Dhttps.proxyPort=%u -Dhttp.nonProxyHosts=%s "
	    "%s-Djavax.net.ssl.trustStore=%s/mitmd-ca-cert.jks%s "
	    "-Djavax.net.ssl.trustStorePassword=changeit", host, port, host, port, hosts,
	    quote, ca_dir, quote);
	free(hosts);
	return all;
}

static char *
value_of(enum what what, const char *word, const struct addr *proxy, const char *tag,
    const char *ca_dir, const char *no_proxy)
{
	switch (what) {
	case PROXY:
		return proxy_url(proxy, tag);
	case DIRECT:
		return mem_strdup(no_proxy != NULL ? no_proxy : "");
	case BUNDLE:
		return mem_printf("%s/mitmd-ca-bundle.pem", ca_dir);
	case CERT:
		return mem_printf("%s/%s", ca_dir, CA_CERT_FILE);
	case JAVA:
		return java_options(proxy, ca_dir, no_proxy);
	case TAG:
		return tag != NULL ? mem_strdup(tag) : NULL;
	default:
		return mem_strdup(word);
	}
}

void
env_vars_fill(struct env_vars *e, const struct addr *proxy, const char *tag, const char *ca_dir,
    const char *no_proxy)
{
	size_t i;

	e->n = 0;
	for (i = 0; i < NELEM(table); i++) {
		char *value = value_of(table[i].what, table[i].word, proxy, tag, ca_dir,
		    no_proxy);

		if (value != NULL)
			e->v[e->n++] = (struct env_var){table[i].name, value};
	}
}

void
env_vars_free(struct env_vars *e)
{
	while (e->n > 0)
		free(e->v[--e->n].value);
}
