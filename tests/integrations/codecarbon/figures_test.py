"""The integration's tables and formulas against those of the installed codecarbon, over everything that is in the tables."""
import json
import os
import random
import subprocess
import sys
import unittest

from codecarbon.core.cpu import TDP
from codecarbon.core.emissions import Emissions
from codecarbon.core.units import Energy
from codecarbon.external.geography import CloudMetadata, GeoMetadata
from codecarbon.external.hardware import CPU
from codecarbon.external.logger import logger
from codecarbon.external.ram import RAM
from codecarbon.input import DataSource

PROGRAM = os.path.abspath(sys.argv.pop(1))
logger.setLevel("CRITICAL")
SOURCE = DataSource()


def ask(questions):
    """The program's answers, one a question."""
    text = "".join(json.dumps(question) + "\n" for question in questions)
    lines = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == len(questions)
    return [json.loads(line) for line in lines]


def real_intensity(country, region):
    geo = GeoMetadata(country_iso_code=country, country_name=None, region=region or None)
    return Emissions(SOURCE).get_private_infra_emissions(Energy.from_energy(kWh=1), geo) * 1000


class Location(unittest.TestCase):
    def compare(self, places):
        for (country, region), (grams, *_) in zip(places, ask([["country", c, r, "", ""] for c, r in places])):
            self.assertAlmostEqual(grams, real_intensity(country, region), delta=1e-9 * max(grams, 1), msg=f"{country} {region}")

    def test_every_country(self):
        table = SOURCE.get_global_energy_mix_data()
        self.assertEqual(ask([["countries"]])[0], sorted(table))
        self.compare([(country, "") for country in table])
        named = ask([["country", country, "", "", ""] for country in table])
        self.assertEqual([row[1] for row in named], [entry["country_name"] for entry in table.values()])
        self.assertEqual(ask([["country", "FRA", "", "", ""]])[0][0], 56.039)

    def test_every_region(self):
        states = [name for name in SOURCE.get_country_emissions_data("usa") if not name.startswith("_")]
        provinces = list(SOURCE.get_country_energy_mix_data("can"))
        chinese = [name for p in SOURCE.get_china_provincial_emissions_data()["data"].values() for name in p["names"]]
        zones = list(SOURCE.get_nordic_country_energy_mix_data()["data"])
        self.assertGreater(min(map(len, (states, provinces, chinese, zones))), 8)
        self.compare([("USA", name) for name in states] + [("CAN", name) for name in provinces])
        self.compare([("CHN", name + suffix) for name in chinese for suffix in ("", " province", "  municipality", " shi")])
        self.compare([(country, zone.lower()) for zone in zones for country in ("SWE", "NOR", "FIN", "FRA")])

    def test_regions_and_countries_that_are_in_no_table(self):
        self.compare([("USA", "atlantis"), ("CHN", "tibet"), ("CAN", "atlantis"), ("FRA", "bretagne"), ("SWE", "se9"), ("XYZ", "")])

    def test_every_cloud_region(self):
        emissions, table = Emissions(SOURCE), SOURCE.get_cloud_emissions_data()
        clouds = [(row.provider, row.region) for row in table.itertuples()]
        self.assertGreater(len(clouds), 30)
        for (provider, region), found in zip(clouds, ask([["country", "", "", p, r] for p, r in clouds])):
            cloud = CloudMetadata(provider=provider, region=region)
            grams = emissions.get_cloud_emissions(Energy.from_energy(kWh=1), cloud) * 1000
            self.assertAlmostEqual(found[0], grams, delta=1e-9 * grams, msg=region)
            self.assertEqual(found[1:3], [emissions.get_cloud_country_name(cloud), emissions.get_cloud_country_iso_code(cloud)])
            state = emissions.get_cloud_geo_region(cloud)
            self.assertEqual(found[3], state if isinstance(state, str) else "")  # NaN is an empty field of the file


class Processors(unittest.TestCase):
    def compare(self, names):
        tdp = TDP.__new__(TDP)
        for name, watts in zip(names, ask([["cpu", name] for name in names])):
            self.assertEqual(watts, tdp._get_cpu_power_from_registry(name) or None, name)

    @staticmethod
    def garbled():
        """Names whose power is no number ("27.29.5"): the client raises there, and Downbeat takes 4 W for each thread."""
        names = []
        for row in SOURCE.get_cpu_power_data().itertuples():
            try:
                float(row.TDP)
            except ValueError:
                names.append(row.Name)
        return names

    def test_what_is_garbled_in_the_table_is_not_known(self):
        self.assertEqual(len(self.garbled()), 4)
        self.assertEqual(ask([["cpu", name] for name in self.garbled()]), [None] * 4)

    def test_the_table_is_the_clients(self):
        self.assertEqual(ask([["cpus"]])[0], [str(name) for name in SOURCE.get_cpu_power_data()["Name"]])

    def test_names_as_systems_write_them(self):
        self.compare([
            "AMD EPYC", "AMD EPYC 7763 64-Core Processor", "AMD EPYC 9654 96-Core Processor", "AMD EPYC 7R13 Processor",
            "AMD Ryzen 9 5950X 16-Core Processor", "AMD Ryzen Threadripper 3970X 32-Core Processor",
            "AMD Ryzen 7 PRO 5850U with Radeon Graphics", "AMD Opteron(tm) Processor 6172",
            "Intel(R) Xeon(R) CPU @ 2.30GHz", "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
            "Intel(R) Xeon(R) Platinum 8480+", "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", "Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz",
            "11th Gen Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", "13th Gen Intel(R) Core(TM) i9-13900K", "Intel(R) Core(TM) Ultra 7 155H",
            "Intel(R) Pentium(R) CPU G4560 @ 3.50GHz", "Intel(R) Celeron(R) N4000 CPU @ 1.10GHz", "QEMU Virtual CPU version 2.5+",
            "Neoverse-N1", "ARMv8 Processor rev 1 (v8l)", "Apple M1 Pro", "Apple M2", "AWS Graviton3", "Cortex-A72", "unknown", "?", "CPU", " CPU @ x"])

    def test_names_of_the_table_and_what_becomes_of_them(self):
        names = [name for name in ask([["cpus"]])[0] if name not in self.garbled()]
        chosen = random.Random(7).sample(names, 250)
        decorated = [name.replace("Intel ", "Intel(R) ") + " CPU @ 2.30GHz" for name in chosen[:80]]
        longer = [name + " 8-Core Processor" for name in chosen[80:160]]
        shorter = [name.rsplit(" ", 1)[0] for name in chosen[160:]]
        self.compare(chosen + [name.upper() for name in chosen[:40]] + decorated + longer + shorter)

    def test_power_by_load(self):
        loads = [i / 200 for i in range(201)]
        normal = ask([["load", "AMD EPYC 7763", 280, load] for load in loads])
        for load, watts in zip(loads, normal):  # as in CPU._get_power_from_cpu_load
            self.assertAlmostEqual(watts, 280 * (0.1 + 0.9 * load**3), places=9)
        model = "AMD Ryzen Threadripper 3970X"
        for load, watts in zip(loads, ask([["load", model, 280, load] for load in loads])):
            self.assertAlmostEqual(watts, CPU._calculate_power_from_cpu_load(280, load * 100, model), places=9, msg=str(load))


class Memory(unittest.TestCase):
    def test_every_size(self):
        sizes = [x / 4 for x in range(1, 1200)] + [2**n + d for n in range(1, 15) for d in (-0.5, 0, 0.5)] + [23.540584564208984]
        ram = RAM()
        for is_arm in (False, True):
            ram.is_arm_cpu = is_arm
            for size, watts in zip(sizes, ask([["ram", size, is_arm] for size in sizes])):
                self.assertAlmostEqual(watts, ram._calculate_ram_power(size), places=9, msg=f"{size} GiB")
        self.assertEqual(ask([["dimms", size] for size in sizes]), [ram._estimate_dimm_count(size) for size in sizes])


if __name__ == "__main__":
    unittest.main()
