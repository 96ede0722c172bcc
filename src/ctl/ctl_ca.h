/* SPDX-License-Identifier: ISC */
/* ctl_ca.h - between the files of mitmctl ca.  Runs in: mitmctl. */
#ifndef MITMD_CTL_CTL_CA_H
#define MITMD_CTL_CTL_CA_H

#include "conf/conf.h"
#include "ctl/ctl.h"
#include "signer/ca_public.h"

/* "CN = ..., O = ..." as one line for people, on the heap. */
char *ctl_ca_name(const X509_NAME *) NONNULL(1) MUSTCHECK;
/* Colons between the bytes of the certificate's digest. */
#define CTL_CA_PRINT_SIZE (3 * 32 + 1)
void ctl_ca_fingerprint(X509 *, const EVP_MD *, char out[CTL_CA_PRINT_SIZE]) NONNULL(1, 2);

/* Exit codes. */
int ctl_ca_show(const struct ctl *, const struct conf *, const struct ca_public *)
    NONNULL(1, 2, 3);
int ctl_ca_export(const struct ca_public *, const char *form, const char *file)
    NONNULL(1, 2);

#endif
