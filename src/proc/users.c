/* SPDX-License-Identifier: ISC */
/* users.c - see users.h.  Runs in: master, every role, mitmctl. */
#include "config.h"

#include "proc/users.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#define NO_GROUP 65534	/* "nogroup" on Debian: nothing belongs to it */

int
users_check(const struct conf *conf, struct errmsg *err)
{
	if (geteuid() != 0 || getpwnam(conf->user) != NULL)
		return 0;
	return errmsg_set(err, "there is no user '%s' to become: make it (adduser --system "
	    "--group %s), or name another one with 'user:'", conf->user, conf->user);
}

/* NAME-ROLE; false when there is none, or it is root, who is nobody to become. */
static bool
find_own(const struct conf *conf, enum role role, uid_t *out_uid, gid_t *out_gid)
{
	struct passwd *pw;
	char name[256];

	if (snprintf(name, sizeof(name), "%s-%s", conf->user, role_name(role)) >=
	    (int)sizeof(name) || (pw = getpwnam(name)) == NULL || pw->pw_uid == 0)
		return false;
	*out_uid = pw->pw_uid;
	*out_gid = pw->pw_gid;
	return true;
}

struct user_ids
users_of(const struct conf *conf, enum role role)
{
	uid_t signer, recorder;
	gid_t signer_gid, recorder_gid;
	struct user_ids ids = {.become = true};
	struct passwd *pw;

	if (geteuid() != 0 || (pw = getpwnam(conf->user)) == NULL || pw->pw_uid == 0)
		return USER_STAY;
	ids.uid = pw->pw_uid;
	ids.gid = pw->pw_gid;
	/* All three, or one: two of them sharing a user is not worth a second promise. */
	if (!find_own(conf, ROLE_SIGNER, &signer, &signer_gid) ||
	    !find_own(conf, ROLE_RECORDER, &recorder, &recorder_gid) ||
	    signer == recorder || signer == ids.uid || recorder == ids.uid)
		return ids;
	ids.own = true;
	if (role == ROLE_SIGNER) {
		ids.uid = signer;
		ids.gid = signer_gid;
	} else if (role == ROLE_RECORDER) {
		ids.uid = recorder;
	} else {
		ids.gid = NO_GROUP;
	}
	return ids;
}

int
users_become(const struct user_ids *ids)
{
	if (!ids->become)
		return 0;
	return setgroups(0, NULL) == 0 && setresgid(ids->gid, ids->gid, ids->gid) == 0 &&
	    setresuid(ids->uid, ids->uid, ids->uid) == 0 ? 0 : -1;
}
