# SPDX-License-Identifier: ISC
# One runner per folder; it links only what that folder may use.
#   check_PROGRAMS += tests/unit/run-FOLDER
#   TESTS += tests/unit/run-FOLDER
if HAVE_CHECK
include tests/unit/base/module.mk
include tests/unit/http/module.mk
include tests/unit/tls/module.mk
include tests/unit/har/module.mk
include tests/unit/conf/module.mk
include tests/unit/shm/module.mk
include tests/unit/ipc/module.mk
include tests/unit/proc/module.mk
include tests/unit/signer/module.mk
include tests/unit/recorder/module.mk
include tests/unit/worker/module.mk
include tests/unit/master/module.mk
include tests/unit/ctl/module.mk
include tests/unit/walls/module.mk
endif
