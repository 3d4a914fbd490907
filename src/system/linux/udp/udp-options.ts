/** Linux's constants for UDP sockets (socket(7), ip(7), ipv6(7), udp(7)). */
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
/** SO_SNDBUF and SO_RCVBUF beyond the normal limit; requires CAP_NET_ADMIN. */
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

export const SOL_IP = 0;
export const IP_TOS = 1;
export const IP_RECVTOS = 13;
/** struct in_pktinfo: interface, local address, and the destination from the header. */
export const IP_PKTINFO = 8;
export const IP_PKTINFO_LENGTH = 12;
export const IP_PKTINFO_ADDRESS = 4;

export const SOL_IPV6 = 41;
export const IPV6_RECVPKTINFO = 49;
/** struct in6_pktinfo: address, then interface. */
export const IPV6_PKTINFO = 50;
export const IPV6_PKTINFO_LENGTH = 20;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;

export const SOL_UDP = 17;
/** Sends a buffer as datagrams of this size. */
export const UDP_SEGMENT = 103;
/** Receives several datagrams of equal size in one buffer; a control message contains the size. */
export const UDP_GRO = 104;
