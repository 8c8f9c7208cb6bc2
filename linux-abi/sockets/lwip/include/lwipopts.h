// SPDX-License-Identifier: Apache-2.0
// What of lwIP is built and how: its raw interface under a lock of ours, memory from the platform, IPv4 inside (visible
// addresses are linux-abi/sockets' business), no checksums, for no bit is lost within a machine, and windows as large
// as Linux's.
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_ALTCP 0
#define LWIP_STATS 0

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 16
#define mem_clib_malloc lego_lwip_allocate
#define mem_clib_free lego_lwip_free
#define mem_clib_calloc lego_lwip_allocate_zeroed

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 0
#define LWIP_RAW 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_IGMP 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 0
#define LWIP_LOOPBACK_MAX_PBUFS 0
#define LWIP_HAVE_LOOPIF 0
#define CHECKSUM_GEN_IP 0
#define CHECKSUM_GEN_UDP 0
#define CHECKSUM_GEN_TCP 0
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_UDP 0
#define CHECKSUM_CHECK_TCP 0
#define LWIP_CHECKSUM_ON_COPY 0

#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_MSS 16384
#define TCP_WND 262144
#define TCP_SND_BUF 262144
#define TCP_SND_QUEUELEN 1024
#define TCP_SNDLOWAT 65536
#define TCP_SNDQUEUELOWAT 256
#define TCP_QUEUE_OOSEQ 0
#define TCP_LISTEN_BACKLOG 0
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
// A closed connection is forgotten after twice this: nothing of it can be on its way still.
#define TCP_MSL 250
// Ports that nobody sees: all of them.
#define TCP_LOCAL_PORT_RANGE_START 1024
#define TCP_LOCAL_PORT_RANGE_END 0xffff
#define TCP_ENSURE_LOCAL_PORT_RANGE(port) ((u16_t)((port) < 1024 ? (port) + 1024 : (port)))
#define UDP_LOCAL_PORT_RANGE_START 1024
#define UDP_LOCAL_PORT_RANGE_END 0xffff
#define UDP_ENSURE_LOCAL_PORT_RANGE(port) ((u16_t)((port) < 1024 ? (port) + 1024 : (port)))
