-- SPDX-License-Identifier: Apache-2.0
-- The dissector proper; the tables above it are generated. An RPC message is what an InfiniBand payload holds at the
-- start of a SEND; it is recognised by its header, whose lengths must fit the packet. The answer to a page fetch is an
-- RDMA WRITE with an immediate and no header: it is named where RPC messages have been seen between the two. What else
-- goes between these is shown as data, lest other dissectors take pages for protocols.
local lego = Proto("lego", "LegoOS RPC")

local kinds = {[1] = "request", [2] = "reply", [3] = "page", [4] = "data"}
local field = {
  kind = ProtoField.uint8("lego.kind", "Kind", base.DEC, kinds),
  body = ProtoField.bytes("lego.body", "Body"),
  tail = ProtoField.bytes("lego.tail", "Tail"),
}

local function declare(fields)
  for _, f in ipairs(fields) do
    local name = "lego." .. f.name
    if field[f.name] then
      -- the same in both headers
    elseif f.name == "operation" then
      field[f.name] = ProtoField.uint16(name, f.name, base.DEC, operations)
    elseif f.name == "status" then
      field[f.name] = ProtoField.uint32(name, f.name, base.DEC, errors)
    elseif f.bytes == 2 then
      field[f.name] = ProtoField.uint16(name, f.name)
    elseif f.bytes == 4 then
      field[f.name] = ProtoField.uint32(name, f.name, f.name == "bulk_rkey" and base.HEX or base.DEC)
    else
      field[f.name] = ProtoField.uint64(name, f.name, f.name == "bulk_address" and base.HEX or base.DEC)
    end
  end
end
declare(request_fields)
declare(reply_fields)
local list = {}
for _, f in pairs(field) do list[#list + 1] = f end
lego.fields = list

local opcode_of = Field.new("infiniband.bth.opcode")
local immediate_of = Field.new("infiniband.immdt")
local send_first, send_only, write_only_immediate = 0x00, 0x04, 0x0b
local last_connected = 0x1f  -- of the opcodes of reliable connections

local talks = {}
function lego.init() talks = {} end
local function pair(pinfo)
  local a, b = tostring(pinfo.src), tostring(pinfo.dst)
  return a < b and a .. b or b .. a
end

local function number(buffer, fields, name)
  for _, f in ipairs(fields) do
    if f.name == name then return buffer(f.offset, f.bytes):le_uint() end
  end
end

-- Whether a header of that size with such lengths can begin this packet, the whole message if it is the only one.
local function fits(buffer, fields, header_bytes, only)
  if buffer:len() < header_bytes then return false end
  if number(buffer, fields, "version") ~= protocol_version or number(buffer, fields, "reserved") ~= 0 then return false end
  if not operations[number(buffer, fields, "operation")] then return false end
  local total = header_bytes + number(buffer, fields, "body_bytes") + number(buffer, fields, "tail_bytes")
  if only then return total <= buffer:len() and buffer:len() - total <= 3 end
  return total > buffer:len()
end

local function show(buffer, pinfo, tree, kind, fields, header_bytes)
  local top = tree:add(lego, buffer())
  top:add(field.kind, kind):set_generated()
  for _, f in ipairs(fields) do
    if f.name ~= "reserved" then top:add_le(field[f.name], buffer(f.offset, f.bytes)) end
  end
  local at = header_bytes
  for _, part in ipairs({"body", "tail"}) do
    local here = math.min(number(buffer, fields, part .. "_bytes"), buffer:len() - at)
    if here > 0 then top:add(field[part], buffer(at, here)) end
    at = at + here
  end
  local text = operations[number(buffer, fields, "operation")] .. " " .. kinds[kind]
  text = text .. " slot " .. number(buffer, fields, "slot") .. " seq " .. number(buffer, fields, "slot_sequence")
  if kind == 2 and number(buffer, fields, "status") ~= 0 then
    text = text .. ": " .. (errors[number(buffer, fields, "status")] or "unknown error")
  end
  top:append_text(", " .. text)
  pinfo.cols.protocol = "LEGO"
  pinfo.cols.info = text
  talks[pair(pinfo)] = true
end

local function show_page(buffer, pinfo, tree)
  local immediate = immediate_of()
  if not immediate then return false end
  local value = immediate.range:uint()
  local slot, sequence = value % 65536, math.floor(value / 65536)
  local top = tree:add(lego, buffer())
  top:add(field.kind, 3):set_generated()
  top:add(field.operation, page_fetch):set_generated()
  top:add(field.slot, slot):set_generated()
  local text = operations[page_fetch] .. " page slot " .. slot .. " seq .." .. sequence
  top:append_text(", " .. text)
  pinfo.cols.protocol = "LEGO"
  pinfo.cols.info = text
  return true
end

local function dissect(buffer, pinfo, tree)
  local found = opcode_of()
  if not found then return false end
  local opcode = found.value
  if opcode == write_only_immediate and buffer:len() == 4096 and talks[pair(pinfo)] then
    return show_page(buffer, pinfo, tree)
  end
  if opcode == send_only or opcode == send_first then
    local only = opcode == send_only
    if fits(buffer, request_fields, request_bytes, only) and number(buffer, request_fields, "flags") <= flags_mask then
      show(buffer, pinfo, tree, 1, request_fields, request_bytes)
      return true
    end
    if fits(buffer, reply_fields, reply_bytes, only) and number(buffer, reply_fields, "flags") == 0 then
      show(buffer, pinfo, tree, 2, reply_fields, reply_bytes)
      return true
    end
  end
  if opcode > last_connected or not talks[pair(pinfo)] then return false end
  tree:add(lego, buffer()):append_text(", data"):add(field.kind, 4):set_generated()
  return true
end

lego:register_heuristic("infiniband.payload", dissect)
