*** Settings ***
Documentation     Three wrong PINs lock a wallet; a reset or power cut does not restore tries.
Resource          ${CURDIR}/wallets.resource
Suite Setup       Set Up The Suite
Suite Teardown    Tear Down The Suite
Test Setup        Set Up The Test
Test Teardown     Tear Down The Test
Test Timeout      6 minutes

*** Test Cases ***
Tries Are Counted Across Resets And Power Cuts
    Switch On A New Wallet    alice
    Provision    alice
    Pin Should Be    alice    9999    WRONG, 2 left
    Reset The Processor Of    alice
    Status Should Be    alice    READY    2
    Pin Should Be    alice    9999    WRONG, 1 left
    Cut The Power Of    alice
    Switch On Again    alice
    Status Should Be    alice    READY    1
    Pin Should Be    alice    9999    WRONG, 0 left
    Pin Should Be    alice    right    BLOCKED
    Cut The Power Of    alice
    Switch On Again    alice
    Pin Should Be    alice    right    BLOCKED

The Right PIN Gives All Tries Back
    Switch On A New Wallet    alice
    Provision    alice
    Pin Should Be    alice    9999    WRONG, 2 left
    Pin Should Be    alice    right    RIGHT
    Reset The Processor Of    alice
    Status Should Be    alice    READY    3
