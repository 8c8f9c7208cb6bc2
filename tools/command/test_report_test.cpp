// SPDX-License-Identifier: Apache-2.0
// The report must notice what ctest is content with: skipped, disabled and missing tests.
#include "tools/command/test_report.h"

#include <gtest/gtest.h>

#include "tools/support/failure.h"

namespace command {
namespace {

constexpr const char* listing = R"({"kind":"ctestInfo","tests":[
  {"name":"a","properties":[{"name":"LABELS","value":["unit"]},{"name":"TIMEOUT","value":600.0}]},
  {"name":"b","properties":[{"name":"LABELS","value":["rack"]},{"name":"RUN_SERIAL","value":true}]},
  {"name":"c","properties":[{"name":"LABELS","value":["rack","long"]}]},
  {"name":"d"}]})";

constexpr const char* junit = R"(<?xml version="1.0"?>
<testsuite name="x" tests="4" failures="1" disabled="0" skipped="1">
	<testcase name="a" classname="a" time="1.5" status="run">
		<system-out>[==========] Running 7 tests from 2 test suites.
[  PASSED  ] 5 tests.
[  SKIPPED ] 2 tests, listed below:
		</system-out>
	</testcase>
	<testcase name="b" classname="b" time="2" status="run"><system-out>fine</system-out></testcase>
	<testcase name="c" classname="c" time="0" status="fail"><failure message=""/></testcase>
	<testcase name="d" classname="d" time="0" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
</testsuite>)";

TEST(Listing, ReadsLabelsAndProperties) {
  const auto tests = parse_listing(listing);
  ASSERT_EQ(tests.size(), 4u);
  EXPECT_TRUE(tests[0].labels.contains("unit"));
  EXPECT_TRUE(tests[1].serial);
  EXPECT_TRUE(tests[2].labels.contains("long"));
}

TEST(Listing, ComplainsAboutTestsOfNoKindAndRacksSideBySide) {
  const auto complaints = check_listing(parse_listing(listing));
  ASSERT_EQ(complaints.size(), 2u);
  EXPECT_TRUE(complaints[0].starts_with("c:"));
  EXPECT_TRUE(complaints[1].starts_with("d:"));
}

TEST(Listing, RefusesOtherText) { EXPECT_THROW(parse_listing("no json"), support::Failure); }

TEST(Junit, CountsCasesAndSkips) {
  const auto ran = parse_junit(junit);
  ASSERT_EQ(ran.size(), 4u);
  EXPECT_EQ(ran.at("a").cases, 7u);
  EXPECT_EQ(ran.at("a").skipped, 2u);
  EXPECT_EQ(ran.at("b").cases, 1u);
  EXPECT_EQ(ran.at("b").outcome, Outcome::Passed);
  EXPECT_EQ(ran.at("c").outcome, Outcome::Failed);
  EXPECT_EQ(ran.at("d").outcome, Outcome::NotRun);
}

TEST(Report, WhatDidNotRunIsNotPassed) {
  auto listed = parse_listing(listing);
  listed.push_back({.name = "e", .labels = {"unit"}});
  const auto lines = not_passed(listed, parse_junit(junit));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "a: 2 skipped, which counts as failed");
  EXPECT_EQ(lines[1], "c: failed");
  EXPECT_EQ(lines[2], "d: did not run, which counts as failed");
  EXPECT_EQ(lines[3], "e: did not run, which counts as failed");
}

TEST(Report, SumsUpByKind) {
  const std::string text = coverage(parse_listing(listing), parse_junit(junit));
  EXPECT_NE(text.find("unit        1 tests,     7 cases,     1.5 s"), text.npos) << text;
  EXPECT_NE(text.find("rack        2 tests"), text.npos) << text;
  EXPECT_EQ(text.find("fuzz"), text.npos) << text;
}

}  // namespace
}  // namespace command
