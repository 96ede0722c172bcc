# SPDX-License-Identifier: ISC
# End-to-end tests: real clients, the built mitmd, real servers, on loopback.
#   make check-e2e PYTESTFLAGS='-k resum -x'
E2E = tests/e2e
EXTRA_DIST += \
	$(E2E)/conftest.py \
	$(E2E)/env/TlsHelper.java \
	$(E2E)/env/Trust.java \
	$(E2E)/env/__init__.py \
	$(E2E)/env/bad_origins.py \
	$(E2E)/env/bridge.py \
	$(E2E)/env/certs.py \
	$(E2E)/env/chromium.py \
	$(E2E)/env/connect_agent.js \
	$(E2E)/env/curl.py \
	$(E2E)/env/disk.py \
	$(E2E)/env/etc.py \
	$(E2E)/env/events.py \
	$(E2E)/env/fidelity.py \
	$(E2E)/env/grpc_node.js \
	$(E2E)/env/h2_frames.py \
	$(E2E)/env/h2_node.js \
	$(E2E)/env/h2_peer.py \
	$(E2E)/env/har.py \
	$(E2E)/env/har_validate.js \
	$(E2E)/env/hello.py \
	$(E2E)/env/helper.py \
	$(E2E)/env/issued.py \
	$(E2E)/env/known_differences.py \
	$(E2E)/env/metrics.py \
	$(E2E)/env/load.py \
	$(E2E)/env/mitmd.py \
	$(E2E)/env/nginx.py \
	$(E2E)/env/origin.py \
	$(E2E)/env/systemd.py \
	$(E2E)/env/strace.py \
	$(E2E)/env/tls_clients.py \
	$(E2E)/env/tls_helper.go \
	$(E2E)/env/tls_helper.js \
	$(E2E)/env/tls_origins.py \
	$(E2E)/env/wire.py \
	$(E2E)/env/ws.py \
	$(E2E)/env/ws_node.js \
	$(E2E)/env/x509.py \
	$(E2E)/pytest.ini \
	$(E2E)/test_10_plain.py \
	$(E2E)/test_20_connect_tls.py \
	$(E2E)/test_25_tunnels.py \
	$(E2E)/test_30_clients.py \
	$(E2E)/test_33_h2.py \
	$(E2E)/test_33_h2_chromium.py \
	$(E2E)/test_33_h2_clients.py \
	$(E2E)/test_33_h2_har.py \
	$(E2E)/test_33_h2_streams.py \
	$(E2E)/test_34_h2spec.py \
	$(E2E)/test_35_streams.py \
	$(E2E)/test_36_node.py \
	$(E2E)/test_36_websockets.py \
	$(E2E)/test_37_h2_cleartext.py \
	$(E2E)/test_40_fidelity.py \
	$(E2E)/test_41_ca.py \
	$(E2E)/test_41_key.py \
	$(E2E)/test_41_profile.py \
	$(E2E)/test_42_custom_certs.py \
	$(E2E)/test_43_mirror_basics.py \
	$(E2E)/test_44_tls_params.py \
	$(E2E)/test_45_rejected.py \
	$(E2E)/test_46_chromium.py \
	$(E2E)/test_47_testssl.py \
	$(E2E)/test_50_har.py \
	$(E2E)/test_51_tls.py \
	$(E2E)/test_60_processes.py \
	$(E2E)/test_63_reload.py \
	$(E2E)/test_64_crashes.py \
	$(E2E)/test_61_mitmctl.py \
	$(E2E)/test_62_metrics.py \
	$(E2E)/test_62_tail.py \
	$(E2E)/test_63_completion.py \
	$(E2E)/test_64_conns.py \
	$(E2E)/test_62_names.py \
	$(E2E)/test_63_logs.py \
	$(E2E)/test_65_systemd.py \
	$(E2E)/test_70_disk.py \
	$(E2E)/test_71_block.py \
	$(E2E)/test_72_faults.py \
	$(E2E)/test_73_odd.py \
	$(E2E)/test_80_limits.py \
	$(E2E)/test_81_overload.py \
	$(E2E)/test_90_every_har.py \
	$(E2E)/test_91_attacks.py \
	$(E2E)/test_92_h2_attacks.py

.PHONY: check-e2e
check-e2e: mitmd mitmctl
	MITMD=$(abs_builddir)/mitmd $(PYTEST) $(srcdir)/$(E2E) $(PYTESTFLAGS)
