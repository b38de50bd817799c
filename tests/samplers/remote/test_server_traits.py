from __future__ import annotations

from saysel.samplers.remote.server_traits import ServerTraits
from tests.support.api_server import Model, Server


def test_several_samples_are_requested_until_a_server_returns_one_three_times_in_a_row() -> None:
    traits = ServerTraits()
    for arrived in (1, 1, 4, 1, 1):
        traits.learn(requested=4, arrived=arrived, reduced=False)
        assert not traits.one_by_one

    traits.learn(requested=4, arrived=1, reduced=False)
    assert traits.one_by_one


def test_a_refusal_counts_only_if_the_server_never_returned_several() -> None:
    new, known = ServerTraits(), ServerTraits(gave_several=True)
    for traits in (new, known):
        traits.learn(requested=1, arrived=1, reduced=True)

    assert (new.one_by_one, known.one_by_one) == (True, False)


def test_what_is_known_about_one_model_is_not_assumed_of_another() -> None:
    first = ServerTraits.of("openai", "http://here/v1", "small")
    first.learn(requested=1, arrived=1, reduced=False)

    assert ServerTraits.of("openai", "http://here/v1", "small").accepted
    assert not ServerTraits.of("openai", "http://here/v1", "large").accepted
    assert not ServerTraits.of("openai", "http://there/v1", "small").accepted


def test_no_two_servers_of_the_tests_have_the_same_url() -> None:
    """Traits are kept by URL, and the system reuses ports: about twice in 150 servers."""
    urls = []
    for _ in range(300):
        with Server(Model()) as server:
            urls.append(server.url)

    assert len(set(urls)) == len(urls)
