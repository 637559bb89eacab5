#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""perf/run: its judging of made-up rounds, and all of it on a program of the harness whose rows are known (bench_rows.c).

usage: test_run.py ROOT PROGRAM"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT, PROGRAM = sys.argv[1:3]
sys.path.insert(0, os.path.join(ROOT, "perf"))
import budgets  # noqa: E402
import compare  # noqa: E402
import judge  # noqa: E402
import machine  # noqa: E402


def row(name, times, **label):
    """A row as a program gives it."""
    return {"name": name, "unit": "ns", "times": times, "label": label}


def judged(*rows):
    """By name."""
    rows = {one["name"]: one for one in rows}
    judge.judge(rows)
    budgets.note(rows)
    return rows


CHOSEN = {"names": False, "root": True, "long": False}


def result(what, rows, **chosen):
    """What came of one budget."""
    return next(one for one in budgets.results(rows, CHOSEN | chosen) if one["what"] == what)


class Judging(unittest.TestCase):
    """judge.py"""

    def test_medians(self):
        """Odd, even, one."""
        self.assertEqual(judge.median([9, 1, 5]), 5)
        self.assertEqual(judge.median([9, 1, 5, 7]), 6)
        self.assertEqual(judge.median([4]), 4)
        self.assertEqual(judge.spread([9, 10, 12]), 0.3)

    def test_ratio_is_taken_round_by_round(self):
        """A slow moment of the machine that hit one round of both does not show; other numbers of rounds cannot be paired."""
        own, other = [10, 100, 10], [20, 200, 30]
        self.assertEqual(judge.ratio(other, own), 2)
        self.assertEqual(judge.ratio([30], own), 3)
        self.assertIsNone(judge.ratio(other, [10, 0, 10]))

    def test_comparisons(self):
        """Floor, peer and base, where they were measured."""
        rows = judged(row("f", [5]), row("p", [40]), row("b", [10]), row("own", [20], floor="f", peer="p", base="b"))
        own = rows["own"]
        self.assertEqual((own["floor"], own["peer"], own["ratio"], own["base"]), (5, 40, 2, "2.00 x b"))
        alone = judged(row("own", [20], floor="f", peer="p", base="b"))["own"]
        self.assertEqual((alone["floor"], alone["peer"], alone["ratio"], alone["base"]), (None, None, None, None))

    def test_pairs_count_where_there_are_some(self):
        """They were taken right after each other."""
        own = row("own", [20, 30], base="b") | {"pairs": [1.1, 1.2, 1.3]}
        self.assertEqual(judged(row("b", [10, 10]), own)["own"]["times_base"], 1.2)

    def test_counters_have_a_column_where_there_are_some(self):
        """And none where there are none."""
        rows = judged(row("own", [20]))
        self.assertNotIn("instructions", judge.show(rows))
        rows["own"]["instructions"] = 1234.0
        self.assertRegex(judge.show(rows), r"instructions(.|\n)*1,234")


class Budgets(unittest.TestCase):
    """budgets.py"""

    def test_at_most(self):
        """The limit itself is met."""
        what = "dialog changes its state"
        for time, answer in ((6, "met"), (6.1, "NOT MET")):
            rows = judged(row("dialog_step/hot", [time]))
            self.assertEqual(result(what, rows)["answer"], answer)
            self.assertEqual(rows["dialog_step/hot"]["met"], "yes" if answer == "met" else "no")

    def test_times_faster(self):
        """Beside the peer; without one nothing is said."""
        what = "INVITE parsed, beside sofia-sip"
        for time, answer in ((1800, "met"), (1799, "NOT MET")):
            rows = judged(row("sofia", [time]), row("sip_parse/invite", [100], peer="sofia"))
            self.assertEqual(result(what, rows)["answer"], answer)
        rows = judged(row("sip_parse/invite", [100], peer="sofia"))
        self.assertEqual(result(what, rows)["answer"], "not measured: sofia was not measured")
        self.assertEqual(rows["sip_parse/invite"]["met"], "yes -")

    def test_times_the_base(self):
        """At most."""
        what = "message with 10 M dialogs, beside 10,000"
        for time, answer in ((15, "met"), (16, "NOT MET")):
            rows = judged(row("wire/10k", [10]), row("wire/10m", [time], base="wire/10k"))
            self.assertEqual(result(what, rows)["answer"], answer)

    def test_why_not(self):
        """What has to be done is told."""
        far = "message with 10 M dialogs, beside 10,000"
        self.assertEqual(result(far, {})["answer"], "not measured: only with --long")
        self.assertIn("no such row", result(far, {}, long=True)["answer"])
        self.assertEqual(result(far, {}, names=True)["answer"], "not measured: not asked for")
        filtered = "prefilter, a stranger refused"
        self.assertEqual(result(filtered, {}, root=False)["answer"], "not measured: needs root")
        self.assertIn("perf/peers/run", result("CPU of a call over veth, beside Kamailio's", {})["answer"])

    def test_what_is_only_told(self):
        """No limit, no verdict."""
        rows = judged(row("dialog_octets/churned", [190]))
        self.assertEqual(result("confirmed dialog, after churn", rows)["answer"], "told")

    def test_calls_beside_kamailio(self):
        """Of each the cheapest rate that it stood; of the wire all that comes with a call."""

        def run(cost, completed=100):
            return {"cost": {"call": cost}, "started": 100, "completed": completed}

        peers = {"proxies": {"kamailio-tuned": {"curve": [run(200), run(160), run(50, 90)]}, "dialgate": {"curve": [run(40)]}}}
        wire = row("wire/10k", [500]) | {"rounds": [{"ns": 4e6, "calls": 1000}, {"ns": 1, "calls": 0}]}
        rows = {"wire/10k": wire}
        budgets.add_calls(rows, peers)
        rows = judged(*rows.values())
        self.assertEqual((rows["call/wire"]["figure"], rows["call/wire"]["ratio"]), (4, 40))
        self.assertEqual(result("CPU of a call in memory, beside Kamailio's", rows)["answer"], "NOT MET")
        self.assertEqual((rows["call/veth"]["figure"], rows["call/veth"]["ratio"]), (40, 4))
        alone = judged(row("call/wire", [4], peer="call/kamailio-tuned"))
        self.assertIn("perf/peers/run", result("CPU of a call in memory, beside Kamailio's", alone, names=True)["answer"])
        for nothing in ({}, {"proxies": {"dialgate": {"curve": []}, "kamailio-tuned": {}}}):
            rows = {}
            budgets.add_calls(rows, nothing)
            self.assertEqual(rows, {})

    def test_latency_beside_kamailio(self):
        """Less what callgen takes alone."""

        def half(with_it, without):
            both = {"figures": with_it, "direct": without}
            return {"half": {key: {"microseconds": {"invite_passes": {"p99.9": value}}} for key, value in both.items()}}

        rows = {}
        budgets.add_calls(rows, {"proxies": {"dialgate": half(190, 80), "kamailio-tuned": half(500, 60)}})
        rows = judged(*rows.values())
        self.assertEqual((rows["latency/veth"]["figure"], rows["latency/veth"]["ratio"]), (110, 4))
        self.assertEqual(result("the same over veth, kernel included", rows)["answer"], "NOT MET")

    def test_the_table_counts_what_was_not_asked_for(self):
        """And has a line of all else."""
        rows = judged(row("dialog_step/hot", [5]))
        lines = budgets.text(budgets.results(rows, CHOSEN | {"names": True})).splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[2], f"{len(budgets.BUDGETS) - 1} more budgets, of rows that were not asked for")
        self.assertEqual(len(budgets.text(budgets.results(rows, CHOSEN)).splitlines()), 1 + len(budgets.BUDGETS))


class Machines(unittest.TestCase):
    """machine.py"""

    def test_shares(self):
        """Busy is what neither idles nor waits; what this run took is no other's; columns that old kernels lack are 0."""
        hertz = os.sysconf("SC_CLK_TCK")
        before = machine.ticks("cpu  100 10 20 1000 5 1 2 50 7 0\ncpu0 1 1\n")
        self.assertEqual(before, (1188, 133, 50))
        after = machine.ticks(f"cpu {100 + 3 * hertz} 10 20 {1000 + 6 * hertz} 5 1 2 {50 + hertz} 7 0\n")
        self.assertEqual(machine.shares(before, after, 2), (0.1, 0.1))
        self.assertEqual(machine.shares(before, after, 9), (0, 0.1))
        self.assertEqual(machine.shares(before, before, 0), (0, 0))
        self.assertEqual(machine.ticks("cpu 1 2 3 4\n"), (10, 6, 0))

    def test_processor(self):
        """The first, or unknown."""
        self.assertEqual(machine.processor("processor\t: 0\nmodel name\t: One: two\nmodel name\t: Three\n"), "One: two")
        self.assertEqual(machine.processor(""), "unknown")

    def test_what_a_loaded_machine_says(self):
        """At both ends; a quiet one does not."""
        watch = machine.Watch(ROOT)
        watch.found["load_start"] = 3.0
        self.assertIn("LOADED", "\n".join(watch.head()))
        watch.found["load_start"] = 0.1
        self.assertNotIn("LOADED", "\n".join(watch.head()))
        every, busy, steal = watch.ticks
        watch.ticks, watch.own = (every - 1000, busy - 900, steal), machine.own_seconds()
        self.assertTrue(watch.end().startswith("LOADED: others had"))
        self.assertFalse(watch.found["quiet"])
        self.assertTrue(machine.is_quiet(watch.found | {"others": 0.01, "steal": 0.0}))
        self.assertFalse(machine.is_quiet(watch.found | {"others": 0.01, "steal": 0.1}))


class Comparing(unittest.TestCase):
    """compare.py, and what it cannot read."""

    def setUp(self):
        """A folder that goes away."""
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(self.folder.cleanup)

    def file(self, name, rows, **found):
        """Writes rows of a machine; returns the path."""
        path = os.path.join(self.folder.name, name)
        where = {"processor": "P", "processors": 2, "kernel": "6", "commit": "c", "quiet": True} | found
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"machine": where, "rows": rows}, file)
        return path

    def test_ratios_and_spreads(self):
        """A difference counts where rounds do not overlap."""
        old = self.file("old", [row("less", [10, 12, 11]), row("noise", [10, 20, 15]), row("gone", [1])])
        new = self.file("new", [row("less", [5, 6, 5.5]), row("noise", [12, 22, 18]), row("came", [1])], quiet=False)
        lines = {line.split()[0]: line.split() for line in compare.text(old, new).splitlines() if line}
        self.assertEqual(lines["less"], ["less", "11.0", "5.5", "ns", "0.50", "18%", "18%", "less"])
        self.assertEqual(lines["noise"][4:], ["1.20", "67%", "56%", "within", "the", "spread"])
        text = compare.text(old, new)
        self.assertIn(f"only in {old}: gone", text)
        self.assertIn(f"only in {new}: came", text)
        self.assertIn("LOADED", text)
        self.assertNotIn("not the same machine", text)

    def test_another_machine(self):
        """Is told."""
        old, new = self.file("old", []), self.file("new", [], processor="Q")
        self.assertIn("not the same machine", compare.text(old, new))

    def test_another_unit(self):
        """Has no ratio."""
        old, new = self.file("old", [row("a", [1])]), self.file("new", [row("a", [2]) | {"unit": "us"}])
        self.assertRegex(compare.text(old, new), r"(?m)^a +1\.0 ns +2\.0+ +us +- ")

    def test_what_is_no_such_file(self):
        """One line says so."""
        fine = self.file("fine", [])
        for name, text in (("none", None), ("torn", '{"rows": ['), ("other", '{"rows": [1]}'), ("list", "[]")):
            path = os.path.join(self.folder.name, name)
            if text is not None:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            with self.assertRaises(SystemExit) as left:
                compare.text(fine, path)
            self.assertIn(path, str(left.exception))


class Running(unittest.TestCase):
    """The whole of it, on bench_rows.c."""

    def setUp(self):
        """A folder that goes away."""
        self.folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(self.folder.cleanup)

    def run_it(self, *words, **environment):
        """Output, errors and status."""
        command = [sys.executable, os.path.join(ROOT, "perf", "run"), *words]
        env = os.environ | environment
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, env=env)
        return done.stdout, done.stderr, done.returncode

    def measured(self, *names):
        """Output, errors, and what was written as JSON, with its path."""
        path = os.path.join(self.folder.name, "figures.json")
        words = ["--program", PROGRAM, "--build", self.folder.name, "--repetitions", "3", "--seconds", "0.002", "--json", path]
        out, errors, status = self.run_it(*words, *names)
        self.assertEqual(status, 0, errors)
        with open(path, encoding="utf-8") as file:
            return out, errors, json.load(file), path

    def test_everything(self):
        """Table, JSON, what failed, and a comparison with itself."""
        out, errors, found, path = self.measured()
        rows = {one["name"]: one for one in found["rows"]}
        self.assertEqual(len(rows), 6)
        own = rows["rows_own/one.two+three"]
        self.assertEqual(len(own["times"]), 3)
        self.assertEqual((own["unit"], own["floor"]), ("ns", rows["rows_floor/one"]["figure"]))
        self.assertGreater(own["ratio"], 10)  # a hundred times the work
        self.assertGreater(rows["rows_items/ten"]["ratio"], 3)  # a tenth of the time each
        grown = rows["rows_octets/grown"]
        self.assertEqual((grown["unit"], len(grown["times"])), ("octets", 1))
        self.assertTrue(8 << 20 <= grown["figure"] < 10 << 20, grown["figure"])
        if "page_faults" in rows["rows_touch/pages"]:
            self.assertAlmostEqual(rows["rows_touch/pages"]["page_faults"], 1, delta=0.2)
        self.assertIn("rows_none/setup: setup failed", errors)
        self.assertIn("rows_octets/none", errors)
        self.assertRegex(out, r"(?m)^rows_octets/grown +[0-9,]+ +octets")
        self.assertRegex(out, r"(?m)^Budgets +figure")
        self.assertEqual(len(found["budgets"]), len(budgets.BUDGETS))
        for key in ("processor", "processors", "kernel", "commit", "load_start", "load_end", "others", "steal", "quiet"):
            self.assertIn(key, found["machine"])
        compared, _, status = self.run_it("--compare", path, path)
        self.assertEqual(status, 0)
        self.assertRegex(compared, r"(?m)^rows_octets/grown .* 1\.00 .* same$")

    def test_those_that_match_with_what_they_are_compared_with(self):
        """No others."""
        found = self.measured("own/one")[2]
        names = [one["name"] for one in found["rows"]]
        self.assertEqual(names, ["rows_floor/one", "rows_own/one.two+three", "rows_peer/one"])

    def test_nothing_matches(self):
        """Is an error."""
        _, errors, status = self.run_it("--program", PROGRAM, "no such name")
        self.assertEqual(status, 1)
        self.assertIn("nothing matches no such name", errors)

    def test_a_program_that_dies(self):
        """What came before is shown and written; the status tells."""
        path = os.path.join(self.folder.name, "figures.json")
        words = ["--program", PROGRAM, "--repetitions", "1", "--seconds", "0.001", "--json", path]
        out, errors, status = self.run_it(*words, BENCH_ROWS_DIES="1")
        self.assertEqual(status, 1)
        self.assertIn("exit status 3: as it was asked to", errors)
        self.assertIn("rows_items/ten", out)
        with open(path, encoding="utf-8") as file:
            names = {one["name"] for one in json.load(file)["rows"]}
        self.assertEqual((names & {"rows_peer/one", "rows_octets/grown"}), {"rows_peer/one"})

    def test_no_such_program(self):
        """Is one line."""
        _, errors, status = self.run_it("--program", os.path.join(self.folder.name, "none"))
        self.assertEqual((status, len(errors.splitlines())), (1, 1), errors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
