// SPDX-License-Identifier: Apache-2.0
// Writes a Wireshark dissector for our RPC messages to standard output, in Lua: the parts that are data come from the
// declarations that the components are compiled with; what to do with them is dissector.lua, which follows them.
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "kernel/base/error.h"
#include "net/messages/operations.h"
#include "net/rpc/wire.h"

namespace {

void write_operations() {
  std::cout << "local operations = {\n";
#define X(value, name, server) std::cout << "  [" #value "] = \"" #name "\",\n";
  LEGO_OPERATIONS(X)
#undef X
  std::cout << "}\n";
}

void write_errors() {
  std::cout << "local errors = {\n";
  for (std::uint32_t number = 0; number <= static_cast<std::uint32_t>(base::Error::OutOfRange); ++number) {
    std::cout << "  [" << number << "] = \"" << base::error_name(static_cast<base::Error>(number)) << "\",\n";
  }
  std::cout << "}\n";
}

void write_field(const char* name, std::size_t offset, std::size_t bytes) {
  std::cout << "  {name = \"" << name << "\", offset = " << offset << ", bytes = " << bytes << "},\n";
}

// Little-endian all of them.
#define LEGO_FIELD(Header, member) write_field(#member, offsetof(rpc::Header, member), sizeof(rpc::Header::member))

void write_headers() {
  std::cout << "local request_fields = {\n";
  LEGO_FIELD(RequestHeader, version);
  LEGO_FIELD(RequestHeader, operation);
  LEGO_FIELD(RequestHeader, flags);
  LEGO_FIELD(RequestHeader, slot);
  LEGO_FIELD(RequestHeader, slot_sequence);
  LEGO_FIELD(RequestHeader, body_bytes);
  LEGO_FIELD(RequestHeader, tail_bytes);
  LEGO_FIELD(RequestHeader, bulk_rkey);
  LEGO_FIELD(RequestHeader, request_id);
  LEGO_FIELD(RequestHeader, vnode);
  LEGO_FIELD(RequestHeader, epoch);
  LEGO_FIELD(RequestHeader, deadline_ns);
  LEGO_FIELD(RequestHeader, wall_time_ns);
  LEGO_FIELD(RequestHeader, bulk_address);
  LEGO_FIELD(RequestHeader, bulk_capacity);
  LEGO_FIELD(RequestHeader, reserved);
  std::cout << "}\nlocal reply_fields = {\n";
  LEGO_FIELD(ReplyHeader, version);
  LEGO_FIELD(ReplyHeader, operation);
  LEGO_FIELD(ReplyHeader, slot);
  LEGO_FIELD(ReplyHeader, flags);
  LEGO_FIELD(ReplyHeader, slot_sequence);
  LEGO_FIELD(ReplyHeader, status);
  LEGO_FIELD(ReplyHeader, request_id);
  LEGO_FIELD(ReplyHeader, body_bytes);
  LEGO_FIELD(ReplyHeader, tail_bytes);
  LEGO_FIELD(ReplyHeader, bulk_bytes);
  LEGO_FIELD(ReplyHeader, reserved);
  std::cout << "}\nlocal request_bytes = " << sizeof(rpc::RequestHeader)
            << "\nlocal reply_bytes = " << sizeof(rpc::ReplyHeader)
            << "\nlocal protocol_version = " << messages::protocol_version
            << "\nlocal flags_mask = " << rpc::request_flags_mask
            << "\nlocal page_fetch = " << static_cast<unsigned>(messages::Operation::PageFetch) << "\n";
}

}  // namespace

int main(int count, char** arguments) {
  std::ifstream rest(count == 2 ? arguments[1] : "");
  if (!rest) {
    std::cerr << "usage: write_dissector dissector.lua > lego.lua\n";
    return 1;
  }
  std::cout << "-- SPDX-License-Identifier: Apache-2.0\n-- Written by write_dissector out of the message list.\n";
  write_operations();
  write_errors();
  write_headers();
  std::cout << rest.rdbuf();
  return std::cout.flush() ? 0 : 1;
}
