# SPDX-License-Identifier: ISC
# In the order in which a request meets them.
noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = \
	src/worker/worker.c src/worker/worker.h src/worker/worker_state.h \
	src/worker/access.c src/worker/access.h \
	src/worker/reserve.c src/worker/reserve.h \
	src/worker/memory.c src/worker/memory.h \
	src/worker/conn.c src/worker/conn.h src/worker/conn_state.h \
	src/worker/conn_in.c src/worker/conn_out.c src/worker/conn_pace.c src/worker/conn_hub.c \
	src/worker/front.c src/worker/front.h src/worker/front_state.h \
	src/worker/front_h1.c src/worker/front_h1.h \
	src/worker/front_h2.c src/worker/front_h2.h \
	src/worker/portal.c src/worker/portal.h \
	src/worker/intercept.c src/worker/intercept.h src/worker/intercept_state.h \
	src/worker/intercept_tls.c src/worker/intercept_client.c \
	src/worker/intercept_http.c src/worker/intercept_h2.c \
	src/worker/h2.c src/worker/h2.h src/worker/h2_state.h \
	src/worker/h2_in.c src/worker/h2_out.c src/worker/h2_stream.c src/worker/h2_pace.c \
	src/worker/sniff.c src/worker/sniff.h \
	src/worker/mirror.c src/worker/mirror.h \
	src/worker/leaf.c src/worker/leaf.h \
	src/worker/leaf_table.c src/worker/leaf_table.h \
	src/worker/leaf_ask.c src/worker/leaf_ask.h \
	src/worker/leaf_keys.c src/worker/leaf_keys.h \
	src/worker/tally.c src/worker/tally.h \
	src/worker/tls_info.c src/worker/tls_info.h \
	src/worker/trust_told.c src/worker/trust_told.h \
	src/worker/flow.c src/worker/flow_open.c src/worker/flow.h \
	src/worker/flow_pool.c src/worker/flow_pool.h \
	src/worker/resolver.c src/worker/resolver.h \
	src/worker/hosts_table.c src/worker/hosts_table.h \
	src/worker/resolv_conf.c src/worker/resolv_conf.h \
	src/worker/dial.c src/worker/dial.h \
	src/worker/back.c src/worker/back.h \
	src/worker/tunnel.c src/worker/tunnel.h \
	src/worker/capture.c src/worker/capture.h \
	src/worker/flow_log.c src/worker/flow_log.h \
	src/worker/unrecorded.c src/worker/unrecorded.h \
	src/worker/handover.c src/worker/handover.h \
	src/worker/tell.c src/worker/tell.h \
	src/worker/conns_list.c src/worker/conns_list.h
