// SPDX-License-Identifier: Apache-2.0
// The command lines of a rack: what people, tests and the images rely on is in them.
#include "tools/rack/rack_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rack {
namespace {

RackFiles files() {
  return {.build = "/b",
          .folder = "/t",
          .logs = "/l",
          .key = "/t/rack-key",
          .disks = {"/t/root,1.ext4", "/t/disk1"},
          .root_use = DiskUse::Copy};
}

std::string value_after(const PlannedProcess& process, const std::string& option) {
  const auto found = std::ranges::find(process.arguments, option);
  return found == process.arguments.end() || found + 1 == process.arguments.end() ? "" : *(found + 1);
}

const PlannedProcess& named(const ProcessPlan& plan, const std::string& name) {
  return *std::ranges::find(plan, name, &PlannedProcess::name);
}

TEST(RackPlan, StartsTheSwitchFirstThenAllOthers) {
  const ProcessPlan plan = make_plan({.processors = 2, .memories = 3}, Accelerator::Tcg, files());
  std::vector<std::string> names;
  for (const auto& process : plan) names.push_back(process.name);
  EXPECT_EQ(names, (std::vector<std::string>{"switch", "gmm", "p0", "p1", "m0", "m1", "m2", "s0"}));
  EXPECT_TRUE(plan[0].announces_ready);
  EXPECT_EQ(std::ranges::count(plan[0].arguments, "--port"), 8);
  EXPECT_EQ(plan[0].log, "/l/switch.log");
}

TEST(RackPlan, ComponentsGetTheirConfigurationByTheirCommandLine) {
  const ProcessPlan plan =
      make_plan({.cpus = 4, .excache_bytes = 16 << 20, .kernel_options = {"evictors=off"}}, Accelerator::Tcg, files());
  const auto& p0 = named(plan, "p0");
  EXPECT_EQ(value_after(p0, "-append"),
            "name=p0 ip=10.77.1.1/16 gmm=10.77.0.1 excache=16384K panic_exit=3 evictors=off");
  EXPECT_EQ(value_after(p0, "-kernel"), "/b/linux-abi/pcomponent.elf");
  EXPECT_EQ(value_after(p0, "-smp"), "4,maxcpus=4");
  EXPECT_EQ(value_after(p0, "-accel"), "tcg,thread=multi");
  EXPECT_EQ(value_after(p0, "-fw_cfg"), "name=opt/lego/rack-key,file=/t/rack-key");
  EXPECT_EQ(value_after(p0, "-m"), "151552K");  // 16, 4 and 128 MiB
  const auto& m0 = named(plan, "m0");
  EXPECT_EQ(value_after(m0, "-append"), "name=m0 ip=10.77.2.1/16 gmm=10.77.0.1 panic_exit=3 evictors=off");
  EXPECT_EQ(value_after(m0, "-m"), "524288K");
  EXPECT_EQ(value_after(m0, "-smp"), "1,maxcpus=2");
  // The key itself is on no command line.
  for (const auto& process : plan) {
    for (const auto& argument : process.arguments) EXPECT_EQ(argument.find("key="), std::string::npos) << argument;
  }
}

TEST(RackPlan, AddressesFollowFromNamesAndDiffer) {
  std::set<std::string> ips;
  std::set<std::string> macs;
  const auto ports = ports_of({.processors = 64, .memories = 64, .storages = 64});
  for (const Component& port : ports) {
    ips.insert(port.ip());
    macs.insert(port.mac());
  }
  EXPECT_EQ(ports.size(), 194u);
  EXPECT_EQ(ips.size(), ports.size());
  EXPECT_EQ(macs.size(), ports.size());
}

TEST(RackPlan, DisksBelongToStorages) {
  const ProcessPlan plan = make_plan({.storages = 3}, Accelerator::Tcg, files());
  EXPECT_EQ(value_after(named(plan, "s0"), "-drive"),
            "if=none,id=disk0,format=raw,discard=unmap,cache=unsafe,file=/t/root,,1.ext4");
  EXPECT_NE(value_after(named(plan, "s1"), "-drive").find("/t/disk1"), std::string::npos);
  EXPECT_EQ(value_after(named(plan, "s2"), "-drive"), "");
  EXPECT_EQ(value_after(named(plan, "p0"), "-drive"), "");
  RackFiles own = files();
  own.root_use = DiskUse::Own;
  EXPECT_NE(value_after(named(make_plan({}, Accelerator::Tcg, own), "s0"), "-drive").find("cache=writeback"),
            std::string::npos);
}

TEST(RackPlan, OptionsReachTheirPrograms) {
  const ProcessPlan plan =
      make_plan({.faults = "drop=2%", .pcap = "/x.pcap", .gdb = {"m0"}}, Accelerator::Kvm, files());
  EXPECT_EQ(value_after(plan[0], "--faults"), "drop=2%");
  EXPECT_EQ(value_after(plan[0], "--pcap"), "/x.pcap");
  EXPECT_EQ(value_after(named(plan, "m0"), "-gdb"), "unix:/t/m0.gdb,server=on,wait=off");
  EXPECT_EQ(value_after(named(plan, "p0"), "-gdb"), "");
  EXPECT_EQ(value_after(named(plan, "p0"), "-cpu"), "host");
}

TEST(RackPlan, AnotherProgramCanBeStartedInGmmdsPlace) {
  const auto gmmd = named(make_plan({}, Accelerator::Tcg, files()), "gmm").arguments;
  const auto other = named(make_plan({.managers = "/x/managers"}, Accelerator::Tcg, files()), "gmm").arguments;
  EXPECT_EQ(gmmd.at(0), "/b/gmm/gmmd");
  EXPECT_EQ(other.at(0), "/x/managers");
  EXPECT_TRUE(std::equal(gmmd.begin() + 1, gmmd.end(), other.begin() + 1, other.end()));
}

}  // namespace
}  // namespace rack
