"""What docker/ and docs/deploy.md promise: complete, in step with the code, and nothing secret in them."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from pika.live import phone
from pika.setup import Refused, processes, serve
from tests.cast import Dancer, Dj
from tests.processes import Process, database_url, free_port

ROOT = Path(settings.BASE_DIR)
DOCKER = ROOT / "docker"
READS = r'\benv\.\w+\(\s*"([A-Z0-9_]+)"'
SHELL = r"\$\{?([A-Z][A-Z0-9_]+)"


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """The variables of the table below that heading of docs/deploy.md."""
    section = text("docs/deploy.md").split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `([A-Z0-9_]+)` \|", section, re.M)


def example() -> dict[str, str]:
    """The lines of .env.example that set something."""
    return dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", text("docker/.env.example"), re.M))


def roles() -> set[str]:
    return set(re.findall(r"^    ([a-z]+)\)", text("docker/entrypoint").split("case $role in")[1], re.M))


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(text("docker/compose.yml")))


def manifests() -> list[dict[str, Any]]:
    files = [file for file in DOCKER.glob("k8s/*/*.yaml") if file.name != "kustomization.yaml"]
    return [each for file in files for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in manifests() if each["kind"] in {"Deployment", "Job"}]


def containers() -> list[dict[str, Any]]:
    return [one for pod in pods() for one in [*pod.get("initContainers", []), *pod["containers"]]]


# --- Every variable is in one table ----------------------------------------------------------------------


def in_settings() -> set[str]:
    return set(re.findall(READS, text("pika/settings.py")))


def in_roles() -> set[str]:
    found = re.findall(READS, text("pika/setup/serve.py")) + re.findall(SHELL, text("docker/entrypoint"))
    found += re.findall(r'environ(?:\.get\(|\[)"([A-Z0-9_]+)"', text("docker/healthy.py") + text("docker/with_pg.py"))
    return set(found) - in_settings() - {"PWD", "PYTHONPATH"}


def in_compose() -> set[str]:
    # `$$` is for the shell inside the container.
    return set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text("docker/compose.yml"))) - in_settings() - in_roles()


@pytest.mark.parametrize(
    ("heading", "read"),
    [
        ("Read by pika/settings.py", in_settings),
        ("Read by the roles of the image", in_roles),
        ("Read by docker/compose.yml", in_compose),
    ],
)
def test_every_variable_is_in_the_table_of_who_reads_it_and_no_other(heading, read):
    assert sorted(table(heading)) == sorted(read())


def test_the_caddyfile_is_given_what_it_reads():
    assert set(re.findall(r"\{\$([A-Z_]+)", text("docker/Caddyfile"))) == set(
        compose()["services"]["caddy"]["environment"]
    )


def test_the_example_has_what_is_required_and_nothing_that_nobody_reads():
    required = set(re.findall(r"\$\{([A-Z0-9_]+):\?", text("docker/compose.yml")))
    assert required == {"PIKA_HOST", "SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
    known = in_settings() | in_roles() | in_compose()
    mentioned = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text("docker/.env.example"), re.M))
    assert required <= set(example())
    assert mentioned <= known


def test_the_example_passes_djangos_deployment_checks():
    clean = {name: value for name, value in os.environ.items() if name not in in_settings() | in_roles()}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**clean, **example(), "PIKA_NO_VENV": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (0 silenced).\n"


# --- Compose, Kubernetes, Dockerfile ------------------------------------------------------------------------


def test_the_roles_are_the_ones_the_story_tells():
    assert roles() == {"web", "worker", "beat", "migrate", "check", "backup", "restore", "healthy", "manage"}


def test_compose_starts_only_roles_the_entrypoint_knows():
    ours = {name: one for name, one in compose()["services"].items() if "env_file" in one}
    assert {name: one["command"] for name, one in ours.items()} == {
        name: [name] for name in ("web", "worker", "beat", "migrate", "backup")
    }
    checks = [one["healthcheck"].get("test", []) for one in compose()["services"].values() if "healthcheck" in one]
    assert [check[1:] for check in checks if "entrypoint" in str(check)] == [
        ["/app/docker/entrypoint", "healthy", "worker"]
    ]


def test_compose_keeps_databases_inside_and_migrates_first():
    services = compose()["services"]
    assert {name for name, one in services.items() if "ports" in one} == {"caddy"}
    assert compose()["networks"]["data"] == {"internal": True}
    assert {name for name, one in services.items() if one["networks"] == ["data"]} >= {"postgres", "valkey"}
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_only_caddy_and_web_are_on_the_network_that_is_trusted_as_proxy():
    services = compose()["services"]
    assert {name for name, one in services.items() if "edge" in one["networks"]} == {"caddy", "web"}
    subnet = compose()["networks"]["edge"]["ipam"]["config"][0]["subnet"]
    assert services["web"]["environment"]["FORWARDED_ALLOW_IPS"] == subnet


def test_no_secret_is_in_compose_or_the_manifests():
    named = {"SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "DATABASE_URL", "REDIS_URL"}
    for service in compose()["services"].values():
        for name in named & set(service.get("environment", {})):
            assert service["environment"][name].startswith(f"${{{name}:")
    assert {each["kind"] for each in manifests()} & {"Secret"} == set()
    assert [named & set(each["data"]) for each in manifests() if each["kind"] == "ConfigMap"] == [set()]
    assert {value for name, value in example().items() if name in named and "replace-me" not in value} == set()


def test_kubernetes_starts_only_roles_the_entrypoint_knows():
    assert sorted(one["args"] for one in containers()) == sorted(
        [["web"], ["worker"], ["beat"], ["migrate"], *[["migrate", "--check"]] * 3]
    )
    commands = re.findall(r"/app/docker/entrypoint, healthy, (\w+)", text("docker/k8s/base/worker.yaml"))
    assert commands == ["worker"]


def test_kubernetes_takes_every_variable_from_one_map_and_one_secret_that_must_exist():
    sources = [{"configMapRef": {"name": "pika"}}, {"secretRef": {"name": "pika"}}]
    assert [one for one in containers() if one["envFrom"] != sources or "env" in one] == []
    (config,) = (each["data"] for each in manifests() if each["kind"] == "ConfigMap")
    assert set(config) <= in_settings() | in_roles()


def test_pods_run_as_the_images_user_and_write_nowhere():
    user = int(re.search(r"^USER (\d+):\d+$", text("docker/Dockerfile"), re.M)[1])
    assert {pod["securityContext"]["runAsUser"] for pod in pods()} == {user}
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods())
    assert all(one["securityContext"]["readOnlyRootFilesystem"] for one in containers())


def test_kustomize_names_files_that_exist():
    for file in DOCKER.glob("k8s/*/kustomization.yaml"):
        for name in yaml.safe_load(file.read_text())["resources"]:
            assert (file.parent / name).exists()


def test_everybody_waits_longer_than_a_web_process_takes_to_end():
    (pod,) = (pod for pod in pods() if pod["containers"][0]["name"] == "web")
    notice = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > notice + serve.END_SECONDS
    assert int(compose()["services"]["web"]["stop_grace_period"].rstrip("s")) > serve.END_SECONDS
    grace = settings.UVICORN["timeout_graceful_shutdown"]
    assert grace > phone.SPREAD_SECONDS  # the last slice, and a moment for its answers
    assert serve.NOTICE_SECONDS + grace + 1 < serve.END_SECONDS


def test_the_image_takes_its_libraries_by_hash_from_the_lock():
    installs = [line for line in text("docker/Dockerfile").splitlines() if "pip" in line and " install " in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "COPY requirements/base.txt /requirements.txt" in text("docker/Dockerfile")
    locked = re.findall(r"^[\w.\[\]-]+==.*?(?=^\S|\Z)", text("requirements/base.txt"), re.M | re.S)
    assert locked
    assert [one for one in locked if "--hash=sha256:" not in one] == []


def test_the_image_gets_every_app_and_nothing_that_is_not_named():
    lines = [line for line in text(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text("docker/Dockerfile"), re.M)
        for source in line.split()
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)
    assert {"pika", "accounts", "events", "stages", "tracks", "playlists"} <= copied
    assert any(fnmatch("docker/.env", line.replace("**/", "*/")) for line in lines)


def test_the_entrypoint_can_be_executed_and_refuses_in_a_sentence():
    entrypoint = DOCKER / "entrypoint"
    assert os.access(entrypoint, os.X_OK)
    env = {"PATH": os.environ["PATH"]}
    said = subprocess.run([entrypoint, "dance"], env=env, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("Say which role: web | worker | beat | migrate | check | backup | restore")
    for role in ("web", "worker", "beat", "migrate", "backup", "restore"):
        said = subprocess.run([entrypoint, role], env=env, capture_output=True, text=True)
        assert (said.returncode, said.stderr[: len(role) + 19]) == (1, f"{role} needs DATABASE_URL")


def test_what_is_for_orchestrators_is_not_public():
    (line,) = re.findall(r"@inside path (.*)", text("docker/Caddyfile"))
    assert {"/livez", "/readyz", "/metrics"} <= set(line.split())
    assert "respond @inside 404" in text("docker/Caddyfile")


def test_the_upload_limit_is_the_same_in_front_and_inside():
    assert "max_size 1MiB" in text("docker/Caddyfile")
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 1024 * 1024


# --- serve ------------------------------------------------------------------------------------------------


@pytest.fixture
def production(settings, monkeypatch):
    settings.DATABASE_URL, settings.REDIS_URL = "postgres://a:b@db/pika", "redis://:c@redis/0"
    settings.SECRET_KEY, settings.ALLOWED_HOSTS = "x" * 50, ["pika.example"]
    settings.IS_SECURE = True
    monkeypatch.setenv("SECRET_KEY", settings.SECRET_KEY)
    serve.check_environment(2)
    return settings


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("REDIS_URL", "", "WEB_PROCESSES asks for 2 processes, and without Redis they would not hear each other"),
        ("SECRET_KEY", "replace-me-with", "SECRET_KEY still has the example's secret"),
        ("DATABASE_URL", "postgres://pika:replace-me-with@db/pika", "DATABASE_URL still has the example's secret"),
        ("ALLOWED_HOSTS", ["*"], "ALLOWED_HOSTS is not set"),
        ("REDIS_URL", "redis+sentinel://one/primary", "names a Redis Sentinel"),
        ("REDIS_URL", "http://redis", r"starts with http://; it can be redis://"),
    ],
)
def test_what_is_missing_is_a_sentence(production, name, value, sentence):
    setattr(production, name, value)
    with pytest.raises(Refused, match=sentence):
        serve.check_environment(2)


@pytest.mark.parametrize("value", ["*", "10.1.2.3/8", "caddy", "", "10.0.0.1,"])
def test_proxies_that_are_no_addresses_are_refused_instead_of_never_matching(monkeypatch, value):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", value)
    with pytest.raises(Refused, match="FORWARDED_ALLOW_IPS has"):
        serve.trusted_proxies()


@pytest.mark.parametrize("value", ["0", "65", "-1", "two", ""])
def test_a_number_of_processes_that_cannot_be_is_refused(monkeypatch, value):
    monkeypatch.setenv("WEB_PROCESSES", value)
    with pytest.raises(Refused, match="a number from 1 to 64"):
        serve.web_processes()


@pytest.mark.skipif(not settings.REDIS_URL, reason="embedded: no Redis")
def test_the_redis_of_these_tests_will_do_and_one_that_is_away_is_a_problem_and_no_refusal():
    assert serve.redis_problem(settings.REDIS_URL) is None
    assert "refused" in str(serve.redis_problem(f"redis://127.0.0.1:{free_port()}/0")).lower()


def test_a_redis_cluster_is_refused(monkeypatch):
    monkeypatch.setattr("redis.Redis.ping", lambda self: True)
    monkeypatch.setattr("redis.Redis.info", lambda self, section: {"cluster_enabled": 1})
    with pytest.raises(Refused, match="leads to a Redis Cluster"):
        serve.redis_problem("redis://127.0.0.1:1/0")


def test_processes_that_never_serve_are_given_up(monkeypatch, tmp_path):
    (tmp_path / "manage.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(processes, "ROOT", tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    with serve.bind("127.0.0.1", 0) as listening:
        assert processes.keep(2, listening, 5) == 1


def children_of(process: Process) -> list[int]:
    found = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text()
    return [int(pid) for pid in found.split()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not settings.REDIS_URL or sys.platform != "linux", reason="needs Redis, and /proc to look at")
def test_two_processes_on_one_port_carry_a_set_survive_one_and_say_goodbye(
    transactional_db, tmp_path, marcus, stage, token_of
):
    port = free_port()
    env = {
        **{"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "SECRET_KEY": settings.SECRET_KEY},
        **{"WEB_PROCESSES": "2", "PIKA_NO_VENV": "1", "PIKA_SECURE": "0"},
    }
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    server = Process(port, command, env, tmp_path / "serve.log")
    try:
        deadline = time.monotonic() + 30
        his, phones = Dj(server.ws), [Dancer(server.ws) for _ in range(20)]
        assert his.go_live(token_of(marcus), stageId=stage.code)["type"] == "ACK"
        for phone in phones:
            phone.follow(stage.code)
        his.play("Song")
        assert {phone.hear("NOW_PLAYING")["track"]["title"] for phone in phones} == {"Song"}

        first, second = children_of(server)
        os.kill(first, 9)
        while len(children_of(server)) < 2 or first in children_of(server):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        late = [Dancer(server.ws) for _ in range(5)]
        assert second in children_of(server)

        server.popen.terminate()
        assert readiness(server, until=503) == 503
        assert server.popen.wait(30) == 0
        assert {phone.close_code() for phone in late} == {1012}
        assert {phone.close_code() for phone in [his, *phones]} <= {1012, 1006}  # 1006: of the one that was killed
        assert children_gone(first, second)
    finally:
        server.kill()


def readiness(server: Process, until: int) -> int:
    """What /readyz answers, once it is `until` or after three seconds."""
    deadline = time.monotonic() + 3
    while True:
        try:
            with urllib.request.urlopen(f"{server.url}/readyz", timeout=2) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        if status == until or time.monotonic() > deadline:
            return status
        time.sleep(0.02)


def children_gone(*pids: int) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)
